import { runService } from '@docket/runtime';
import { createQueryApp } from './app.ts';
import { settings } from './config.ts';

await runService({ name: 'query', settings, createApp: createQueryApp });
