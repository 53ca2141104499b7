export { createIngestorApp } from './app.ts';
export { settings as ingestorSettings, type Config as IngestorConfig } from './config.ts';
export { isSameRecord, startOf, type StartDecision, type StopReason } from './position-policy.ts';
