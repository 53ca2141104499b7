export { createGatewayApp, createIngestApp } from './app.ts';
export { ingestSettings, settings, type Config, type IngestConfig } from './config.ts';
