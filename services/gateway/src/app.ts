import { createDirectoryView, createKeyUses } from '@docket/directory';
import { checkTopics, createKafka, createPublisher, createSchemaRegistry, findEventSchema } from '@docket/kafka';
import {
  addDocumentRoutes,
  createApiRouter,
  createBudget,
  createCors,
  createStartCheck,
  healthOf,
} from '@docket/runtime';
import type { App, AppPorts } from '@docket/runtime';
import { openApiDocuments } from '@docket/schemas';

import type { Config, IngestConfig } from './config.ts';
import { publishEvents } from './endpoints.ts';
import { createIngestRoute } from './http/ingest-route.ts';
import { createUpstreamProxy } from './http/upstream-proxy.ts';
import { addUpstreamRoutes } from './http/upstream-routes.ts';
import { createJudges } from './judging/judges.ts';
import { createLeftoverMemory } from './leftover-memory.ts';
import { leftBytesMax, publishDeadlineMs, requestBytesMax } from './limits.ts';
import { createRateLimits, trackedMax } from './rate-limits.ts';
import { createGatewayMetrics } from './metrics.ts';
import type { GatewayMetrics } from './metrics.ts';

/** The gateway as its own service: accepts events, and passes everything else under /v1 on to query, admin and delivery. */
export function createGatewayApp(config: Config, ports: AppPorts): App {
  const { app, metrics } = createIngest(config, ports);
  const { logger } = ports;
  const { trustedProxyHops } = config;
  const cors = createCors(config.viewerOrigins);
  const query = createUpstreamProxy('query', config.queryUrl, {
    logger,
    metrics,
    trustedProxyHops,
    onAnswer: cors.withdraw,
  });
  const admin = createUpstreamProxy('admin', config.adminUrl, { logger, metrics, trustedProxyHops });
  const delivery = createUpstreamProxy('delivery', config.deliveryUrl, { logger, metrics, trustedProxyHops });
  const upstreams = { query: query.handler, admin: admin.handler, delivery: delivery.handler };
  addUpstreamRoutes(app.router, upstreams, cors);
  return {
    ...app,
    drain: () => query.drain(),
    stop: async () => {
      query.stop();
      admin.stop();
      delivery.stop();
      await app.stop();
    },
  };
}

/** Only POST /v1/events, for a process that serves the other routes itself. */
export function createIngestApp(config: IngestConfig, ports: AppPorts): App {
  return createIngest(config, ports).app;
}

function createIngest(config: IngestConfig, ports: AppPorts): { app: App; metrics: GatewayMetrics } {
  const { logger } = ports;
  const kafka = createKafka(config, { logger, clientId: 'docket-gateway' });
  const eventsTopic = kafka.topics.events.name;
  const registry = createSchemaRegistry(config);
  const topics = createStartCheck({ name: 'topics', logger, probe: () => checkTopics(kafka) });
  const schema = createStartCheck({
    name: 'schema',
    logger,
    probe: () => findEventSchema(registry, eventsTopic),
  });
  const view = createDirectoryView(kafka, { metrics: ports.metrics, onCrash: (error) => ports.exit(error) });
  const publisher = createPublisher(kafka, { deadlineMs: publishDeadlineMs });
  const keyUses = createKeyUses(kafka, { publisher });
  const budget = createBudget(config.inFlightBytesMax, requestBytesMax);
  const limits = createRateLimits({ key: config.keyEventsPerSecond, tenant: config.tenantEventsPerSecond });
  const metrics = createGatewayMetrics(ports.metrics, {
    inFlightBytes: budget.used,
    inFlightBytesMax: budget.limit,
    queuedBytes: () => publisher.stats().queuedBytes,
    queueBytesMax: () => publisher.stats().queueBytesMax,
    trackedTenants: limits.tenantsTracked,
    trackedTenantsMax: trackedMax,
  });
  const recordForm = () => {
    const schemaId = schema.found();
    const partitions = topics.found()?.partitions;
    return schemaId === undefined || partitions === undefined ? undefined : { schemaId, partitions };
  };
  const { tenantsAutocreate, trustedProxyHops } = config;
  const judges = createJudges({
    threads: config.judgeThreads,
    knownAmong: tenantsAutocreate
      ? undefined
      : (ids) => new Set([...ids].filter((id) => view.tenant(id) !== undefined)),
    logger,
    onCrash: (error) => ports.exit(error),
  });
  const router = createApiRouter();
  router.addDirect(
    publishEvents,
    createIngestRoute({
      view,
      keyUses,
      publisher,
      eventsTopic,
      recordForm,
      budget,
      limits,
      judges,
      leftovers: createLeftoverMemory('young', leftBytesMax),
      metrics,
      logger,
      trustedProxyHops,
    }),
  );
  addDocumentRoutes(router, openApiDocuments.gateway);
  const app: App = {
    router,
    start: async () => {
      topics.start();
      schema.start();
      view.start();
      judges.start();
      await publisher.start();
      keyUses.start();
    },
    stop: async () => {
      topics.stop();
      schema.stop();
      await Promise.all([keyUses.stop(), judges.stop()]);
      await Promise.all([publisher.stop(), view.stop()]);
    },
    health: () => healthOf({ topics: topics.check(), schema: schema.check(), directory: view.check() }),
  };
  return { app, metrics };
}
