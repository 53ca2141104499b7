import { createAdminApp } from '@docket/admin';
import { createDeliveryApp } from '@docket/delivery';
import { createIngestApp } from '@docket/gateway';
import { createIngestorApp } from '@docket/ingestor';
import { createQueryApp } from '@docket/query';
import type { App, AppPorts } from '@docket/runtime';

import type { Config } from './config.ts';

/**
 * Every service in one process, for small installations and for trying Docket: the same apps, on one port, with one /metrics. Requests reach the
 * routers of query, admin and delivery without the gateway's proxies. Each app keeps its own connections, so one can be moved to its own process at any time.
 */
export function createAllInOneApps(config: Config, ports: AppPorts): Readonly<Record<string, App>> {
  return {
    gateway: createIngestApp(config, ports),
    query: createQueryApp(config, ports),
    admin: createAdminApp(config, ports),
    ingestor: createIngestorApp(config, ports),
    delivery: createDeliveryApp(config, ports),
  };
}
