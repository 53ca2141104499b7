export { createGatewayApp, createIngestApp } from './app.ts';
export {
  ingestSettings,
  settings as gatewaySettings,
  type Config as GatewayConfig,
  type IngestConfig,
} from './config.ts';
