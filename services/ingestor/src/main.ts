import { runService } from '@docket/runtime';
import { createIngestorApp } from './app.ts';
import { settings } from './config.ts';

await runService({ name: 'ingestor', settings, createApp: createIngestorApp });
