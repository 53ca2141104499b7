import { createDirectoryView, createDirectoryWriter, createKeyUses, readMasterKey } from '@docket/directory';
import {
  checkTopics,
  createKafka,
  createPublisher,
  createSchemaRegistry,
  fetchTopicOffsets,
  findEventSchema,
  recordMacOf,
} from '@docket/kafka';
import { DocketError, addDocumentRoutes, createApiRouter, createStartCheck, healthOf } from '@docket/runtime';
import type { App, AppPorts } from '@docket/runtime';
import { openApiDocuments } from '@docket/schemas';

import type { Config } from './config.ts';
import { createEventRecords } from './event-records.ts';
import type { AdminContext } from './http/admin-context.ts';
import { addKeyRoutes } from './http/key-routes.ts';
import { addParkedRoutes } from './http/parked-routes.ts';
import { addSubscriptionRoutes } from './http/subscription-routes.ts';
import { addTenantRoutes } from './http/tenant-routes.ts';
import { createParkedView } from './kafka-parked.ts';
import { createAdminMetrics } from './metrics.ts';

/** A change that Kafka does not take is answered within five seconds; before it is written, this is asked. */
const endDeadlineMs = 4_000;

/**
 * The admin service: tenants, keys and subscriptions, and the single writer of the directory. One is active; the last one started fences the one
 * before, which ends with code 1. Answers to changes come after this process's own view shows them.
 * Each change is an event of the logs that it is about, in the same transaction (decisions/0030).
 */
export function createAdminApp(config: Config, ports: AppPorts): App {
  const { logger } = ports;
  const kafka = createKafka(config, { logger, clientId: 'docket-admin' });
  const topics = createStartCheck({ name: 'topics', logger, probe: () => checkTopics(kafka) });
  const registry = createSchemaRegistry(config);
  const eventsTopic = kafka.topics.events.name;
  const schema = createStartCheck({ name: 'schema', logger, probe: () => findEventSchema(registry, eventsTopic) });
  const view = createDirectoryView(kafka, { metrics: ports.metrics, onCrash: (error) => ports.exit(error) });
  const writer = createDirectoryWriter(kafka, { view, onFenced: (error) => ports.exit(error) });
  const publisher = createPublisher(kafka);
  const keyUses = createKeyUses(kafka, { publisher });
  const eventRecords = createEventRecords({
    eventsTopic,
    mac: recordMacOf(config),
    schemaId: () => schema.found(),
    partitions: () => topics.found()?.partitions,
  });
  const parked = createParkedView(kafka, { onCrash: (error) => ports.exit(error) });
  const context: AdminContext = {
    view,
    keyUses,
    writer,
    logger,
    metrics: createAdminMetrics(ports.metrics, {
      tenants: () => view.tenants().length,
      keys: () => view.keys().length,
      subscriptions: () => view.subscriptions().length,
      changes: () => writer.stats(),
    }),
    masterKey: readMasterKey(config.masterKey),
    bootstrapToken: config.bootstrapToken,
    sinkAllowedHosts: config.sinkAllowedHosts,
    parked,
    trustedProxyHops: config.trustedProxyHops,
    eventRecords,
    endOfLog: async (tenantId) => {
      const partition = eventRecords.partitionOf(tenantId);
      const ranges = await fetchTopicOffsets(kafka, eventsTopic, endDeadlineMs);
      const end = ranges.find((range) => range.partition === partition)?.end;
      const generation = topics.found()?.generation;
      if (end === undefined || generation === undefined)
        throw new DocketError('not_ready', `Partition ${partition} of ${eventsTopic} was not found.`);
      return { generation, offset: end };
    },
  };
  const router = createApiRouter();
  addTenantRoutes(router, context);
  addKeyRoutes(router, context);
  addSubscriptionRoutes(router, context);
  addParkedRoutes(router, context);
  addDocumentRoutes(router, openApiDocuments.admin);
  return {
    router,
    start: async () => {
      topics.start();
      schema.start();
      view.start();
      writer.start();
      await publisher.start();
      keyUses.start();
      parked.start();
    },
    stop: async () => {
      topics.stop();
      schema.stop();
      await keyUses.stop();
      await publisher.stop();
      await Promise.all([writer.stop(), view.stop(), parked.stop()]);
    },
    health: () =>
      healthOf({
        topics: topics.check(),
        schema: schema.check(),
        directory: view.check(),
        parked: parked.check(),
        writer: writer.check(),
      }),
  };
}
