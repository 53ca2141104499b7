import { createLogger, readSettings, type App, type Registry } from '@docket/runtime';
import { createAllInOneApps } from '../../services/all-in-one/src/app.ts';
import { settings } from '../../services/all-in-one/src/config.ts';

/** Every service's app, for what it declares: making them connects to nothing. */
export function makeApps(metrics: Registry): Readonly<Record<string, App>> {
  const config = readSettings(settings, {
    KAFKA_BROKERS: '127.0.0.1:9',
    SCHEMA_REGISTRY_URL: 'http://127.0.0.1:9',
    CLICKHOUSE_URL: 'http://127.0.0.1:9',
    DOCKET_MASTER_KEY: Buffer.alloc(32).toString('base64'),
    DOCKET_TOKEN_KEYS: Buffer.alloc(32).toString('base64'),
    DOCKET_MAC_KEYS: '00'.repeat(32),
    TRAIL_SPOOL_DIR: '/nonexistent',
  });
  const logger = createLogger({ service: 'docs', level: 'silent' });
  return createAllInOneApps(config, { metrics, logger, exit: () => undefined });
}
