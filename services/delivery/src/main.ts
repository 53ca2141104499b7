import { runService } from '@docket/runtime';
import { createDeliveryApp } from './app.ts';
import { settings } from './config.ts';

await runService({ name: 'delivery', settings, createApp: createDeliveryApp });
