import { runService } from '@docket/runtime';

import { createGatewayApp } from './app.ts';
import { settings } from './config.ts';

await runService({ name: 'gateway', settings, createApp: createGatewayApp });
