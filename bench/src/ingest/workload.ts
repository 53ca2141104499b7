import { encodeEvent, frameAvro, newEventId, type AuditEvent } from '@docket/event';
import { createPublisher, type PublishRecord } from '@docket/kafka';
import type { World } from '@docket/testkit';

const actions = [
  'document.read',
  'document.updated',
  'user.login',
  'user.role.updated',
  'invoice.paid',
  'api_key.created',
] as const;
const agents = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15',
] as const;

/** A repeatable source of numbers in [0, 1): mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Realistic audit events: 400 to 600 bytes of Avro, tenants with skew (the first has a tenth, then less and less). */
export function createWorkload(tenants: number, seed = 1): () => AuditEvent {
  const random = randomFrom(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const pick = <T>(values: readonly [T, ...T[]]): T => values[below(values.length)] ?? values[0];
  return () => {
    const user = below(5_000);
    const document = below(100_000);
    const tenant = random() < 0.1 ? 0 : Math.floor(random() ** 2 * tenants);
    const hex = (length: number): string => Array.from({ length }, () => below(16).toString(16)).join('');
    return {
      id: newEventId(),
      tenant_id: `tenant-${tenant}`,
      occurred_at: (Date.now() - below(60_000)) * 1000,
      action: pick(actions),
      category: 'access',
      operation: 'update',
      outcome: random() < 0.05 ? 'failure' : 'success',
      outcome_reason: '',
      severity: 'info',
      actor: { type: 'user', id: `u_${user}`, name: `Jane Example ${user}`, metadata: { department: 'engineering' } },
      on_behalf_of: null,
      resources: [{ type: 'document', id: `d_${document}`, name: `Quarterly plan ${document}`, metadata: {} }],
      changes: [{ path: 'permissions', old: '["read"]', new: '["read","write"]' }],
      description: `Jane Example ${user} changed Quarterly plan ${document}`,
      context: {
        ip: `203.0.${below(256)}.${below(256)}`,
        user_agent: pick(agents),
        country: 'DE',
        session_id: `s_${hex(16)}`,
        request_id: `req_${hex(16)}`,
        trace_id: hex(32),
      },
      source: { service: 'documents', version: '1.4.2', instance: `pod-${below(20)}`, counter: 0 },
      metadata: { plan: 'pro', seats: String(below(500)) },
      commitment_seed: null,
      ingest: { key_id: 'k_bench', received_from: '10.0.0.7' },
    };
  };
}

export function recordOf({ eventSchemaId }: Pick<World, 'eventSchemaId'>, event: AuditEvent): PublishRecord {
  return { key: event.tenant_id, value: frameAvro(eventSchemaId, encodeEvent(event)) };
}

const chunkRecords = 5_000;

/** Publishes `events` records to the world's events topic. Returns the mean size of a value in bytes. */
export async function preload(world: World, events: number, tenants: number): Promise<number> {
  const publisher = createPublisher(world.kafka, { deadlineMs: 60_000, queueBytesMax: 256 * 1024 * 1024 });
  const next = createWorkload(tenants);
  await publisher.start();
  let bytes = 0;
  for (let sent = 0; sent < events; sent += chunkRecords) {
    const records = Array.from({ length: Math.min(chunkRecords, events - sent) }, () => recordOf(world, next()));
    for (const { value } of records) bytes += value?.length ?? 0;
    const outcomes = await publisher.publish(world.kafka.topics.events.name, records);
    const failed = outcomes.find((outcome) => !outcome.ok);
    if (failed !== undefined) throw new Error('preloading failed', { cause: failed });
  }
  await publisher.stop();
  return bytes / events;
}
