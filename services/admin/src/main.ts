import { runService } from '@docket/runtime';

import { createAdminApp } from './app.ts';
import { settings } from './config.ts';

await runService({ name: 'admin', settings, createApp: createAdminApp });
