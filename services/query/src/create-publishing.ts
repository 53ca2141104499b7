import {
  checkTopics,
  createPublisher,
  createSchemaRegistry,
  findEventSchema,
  recordMacOf,
  type KafkaClient,
} from '@docket/kafka';
import { createKeyUses, type KeyUses } from '@docket/directory';
import { createStartCheck, receivedFrom, requestIdOf, type AppPorts, type HealthCheck } from '@docket/runtime';
import type { Request } from 'express';
import type { Config } from './config.ts';
import type { KeepReading } from './http/reading-route.ts';
import { createRedriver, type Redriver } from './quarantine/redriver.ts';
import { createAccessTrail } from './trail/access-trail.ts';
import { createTrailMetrics } from './trail/trail-metrics.ts';

/** What this service writes: the events that tell who has read, and records that an operator redrives. */
export interface Publishing {
  readonly redriver: Redriver;
  readonly keyUses: Pick<KeyUses, 'note'>;
  readonly keepReading: KeepReading;
  /** Where a request came from. */
  readonly clientAddress: (req: Request) => string;
  /** Rejects when the spool cannot be opened. */
  start(): Promise<void>;
  stop(): Promise<void>;
  checks(): Readonly<Record<'topics' | 'schema' | 'trail', HealthCheck>>;
}

export function createPublishing(config: Config, kafka: KafkaClient, { logger, metrics }: AppPorts): Publishing {
  const eventsTopic = kafka.topics.events.name;
  const registry = createSchemaRegistry(config);
  const topics = createStartCheck({ name: 'topics', logger, probe: () => checkTopics(kafka) });
  const schema = createStartCheck({ name: 'schema', logger, probe: () => findEventSchema(registry, eventsTopic) });
  const publisher = createPublisher(kafka);
  const keyUses = createKeyUses(kafka, { publisher });
  const mac = recordMacOf(config);
  const form = () => {
    const [schemaId, partitions] = [schema.found(), topics.found()?.partitions];
    return schemaId === undefined || partitions === undefined ? undefined : { schemaId, partitions };
  };
  const { trailSpoolDir: dir, trailSpoolBytesMax: bytesMax, trailDurability } = config;
  const trail = createAccessTrail({
    spool: { dir, bytesMax, isDurable: trailDurability === 'power' },
    windowMs: config.trailWindowSeconds * 1_000,
    publisher,
    eventsTopic,
    schemaId: () => form()?.schemaId,
    mac,
    metrics: createTrailMetrics(metrics),
    logger,
  });
  const clientAddress = (req: Request): string =>
    receivedFrom(req.socket.remoteAddress, req.get('x-forwarded-for'), config.trustedProxyHops);

  return {
    redriver: createRedriver({ registry, publisher, eventsTopic, form, mac, logger }),
    keyUses,
    clientAddress,
    keepReading: (kind, reading, req, res) =>
      trail.keep(kind, reading, {
        ip: clientAddress(req),
        userAgent: req.get('user-agent') ?? '',
        requestId: requestIdOf(res),
      }),
    async start() {
      await trail.start();
      topics.start();
      schema.start();
      await publisher.start();
      keyUses.start();
    },
    async stop() {
      topics.stop();
      schema.stop();
      await trail.stop();
      await keyUses.stop();
      await publisher.stop();
    },
    checks: () => ({ topics: topics.check(), schema: schema.check(), trail: trail.check() }),
  };
}
