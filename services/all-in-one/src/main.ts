import { runService } from '@docket/runtime';

import { createAllInOneApps } from './app.ts';
import { settings } from './config.ts';

await runService({ name: 'all-in-one', settings, createApps: createAllInOneApps });
