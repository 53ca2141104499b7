// The peer: kafkajs, @kafkajs/confluent-schema-registry's decode and one JSONEachRow insert a batch, written as its
// documentation shows. It has no fence, no seq, no duplicates, no quarantine, and commits after it has inserted.
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { createClient } from '@clickhouse/client';
import { Kafka, logLevel } from 'kafkajs';

interface DecodedEvent {
  readonly id: string;
  readonly tenant_id: string;
  readonly occurred_at: number | null;
  readonly action: string;
  readonly category: string | null;
  readonly operation: string;
  readonly outcome: string;
  readonly severity: string;
  readonly actor: { type: string; id: string; name: string; metadata: Record<string, string> };
  readonly resources: readonly { type: string; id: string; name: string; metadata: Record<string, string> }[];
  readonly changes: readonly { path: string; old: string | null; new: string | null }[];
  readonly description: string;
  readonly context: Record<'ip' | 'user_agent' | 'country' | 'session_id' | 'request_id' | 'trace_id', string>;
  readonly source: { service: string; version: string; instance: string; counter: number };
  readonly metadata: Record<string, string>;
  readonly ingest: { key_id: string; received_from: string } | null;
}

const env = (name: string): string => process.env[name] ?? '';
const kafka = new Kafka({ brokers: env('KAFKA_BROKERS').split(','), logLevel: logLevel.ERROR });
const registry = new SchemaRegistry({ host: env('SCHEMA_REGISTRY_URL') });
const clickhouse = createClient({
  url: env('CLICKHOUSE_URL'),
  username: env('CLICKHOUSE_USER'),
  password: env('CLICKHOUSE_PASSWORD'),
  database: env('CLICKHOUSE_DATABASE'),
  clickhouse_settings: { async_insert: 0 },
});

function timeText(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').slice(0, -1);
}

function rowOf(event: DecodedEvent, partition: number, offset: string, timestamp: string): Record<string, unknown> {
  return {
    tenant_id: event.tenant_id,
    id: event.id,
    status: 'accepted',
    occurred_at: timeText(event.occurred_at === null ? Number(timestamp) : event.occurred_at / 1000),
    received_at: timeText(Number(timestamp)),
    action: event.action,
    category: event.category ?? '',
    operation: event.operation,
    outcome: event.outcome,
    severity: event.severity,
    actor_type: event.actor.type,
    actor_id: event.actor.id,
    actor_name: event.actor.name,
    actor_metadata: event.actor.metadata,
    'resources.type': event.resources.map(({ type }) => type),
    'resources.id': event.resources.map(({ id }) => id),
    'resources.name': event.resources.map(({ name }) => name),
    'resources.metadata': event.resources.map(({ metadata }) => metadata),
    'changes.path': event.changes.map(({ path }) => path),
    'changes.old': event.changes.map((change) => change.old),
    'changes.new': event.changes.map((change) => change.new),
    description: event.description,
    ...event.context,
    source_service: event.source.service,
    source_version: event.source.version,
    source_instance: event.source.instance,
    source_counter: event.source.counter,
    ingest_key_id: event.ingest?.key_id ?? '',
    ingest_from: event.ingest?.received_from ?? '',
    metadata: event.metadata,
    src_partition: partition,
    src_offset: offset,
  };
}

const consumer = kafka.consumer({ groupId: `${env('TOPIC')}.plain-loop`, maxBytesPerPartition: 4 * 1024 * 1024 });
await consumer.connect();
await consumer.subscribe({ topics: [env('TOPIC')], fromBeginning: true });
process.once('SIGTERM', () => void consumer.disconnect().then(() => clickhouse.close()));
await consumer.run({
  eachBatch: async ({ batch }) => {
    const values = await Promise.all(
      batch.messages.map(async ({ value, offset, timestamp }) => {
        const event = (await registry.decode(value ?? Buffer.alloc(0))) as DecodedEvent;
        return rowOf(event, batch.partition, offset, timestamp);
      }),
    );
    await clickhouse.insert({ table: 'peer_loop', values, format: 'JSONEachRow' });
  },
});
