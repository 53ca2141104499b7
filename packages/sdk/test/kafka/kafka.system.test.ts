import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createWorld, eventually, startService, type World } from '@docket/testkit';
import { createDocket, type Failure } from '../../src/index.ts';
import { kafkaTransport } from '../../src/kafka.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
}, 120_000);
afterAll(() => world?.close());

function docketFor(changes: { topic?: string; brokers?: string[] } = {}) {
  const failures: Failure[] = [];
  const docket = createDocket({
    transport: kafkaTransport({
      brokers: (world.env['KAFKA_BROKERS'] ?? '').split(','),
      registry: { url: world.env['SCHEMA_REGISTRY_URL'] ?? '' },
      topic: world.kafka.topics.events.name,
      ...changes,
    }),
    source: { service: 'app', instance: 'host' },
    spool: false,
    retry: { baseDelayMs: 50, maxDelayMs: 500 },
    onFailure: (failure) => failures.push(failure),
  });
  return { docket, failures };
}

const actor = { type: 'user', id: 'u_1' };

const tenants = Array.from({ length: 20 }, (_, i) => `t${i}`);

test('events are in the log of their tenant, in order, each once; what the log would quarantine is refused', async () => {
  const ingestor = await startService('ingestor', world.env);
  try {
    const { docket, failures } = docketFor();
    for (let n = 0; n < 10; n += 1) {
      for (const tenant_id of tenants) await docket.record({ action: 'step.done', tenant_id, actor, metadata: { n } });
    }
    const invalid = { action: 'a', tenant_id: 't0', actor: { type: '!', id: '1' } };
    expect(await docket.recordNow(invalid)).toMatchObject({ ok: false, reason: 'refused' });
    expect(await docket.close()).toEqual({ ok: true });
    expect(failures.map(({ reason }) => reason)).toEqual(['refused']);
    const rows = await eventually(
      async () => {
        const stored = await storedRows();
        return stored.length >= 200 ? stored : undefined;
      },
      { what: 'the events in ClickHouse', deadlineMs: 60_000 },
    );
    // No stray log: every record is on the partition that murmur2 of its tenant names.
    expect(rows).toEqual(
      tenants.toSorted().flatMap((tenant) =>
        Array.from({ length: 10 }, (_, n) => {
          return { tenant, seq: n + 1, status: 'accepted', n: String(n), counter: n + 1, instance: rows[0]?.instance };
        }),
      ),
    );
  } finally {
    await ingestor.stop();
  }
}, 120_000);

interface Row {
  tenant: string;
  seq: number;
  status: string;
  n: string;
  counter: number;
  instance: string;
}

function storedRows(): Promise<Row[]> {
  return world.clickhouse.query<Row>(
    `SELECT tenant_id AS tenant, toUInt32(seq) AS seq, toString(status) AS status, metadata['n'] AS n,
       toUInt32(source_counter) AS counter, source_instance AS instance
     FROM audit_events ORDER BY tenant, seq`,
  );
}

test.each([
  ['a topic that is not there', { topic: 'no.such.topic' }, 'misconfigured'],
  ['brokers that are away', { brokers: ['127.0.0.1:9'] }, 'unavailable'],
])(
  '%s: the event is kept, and the failure says so',
  async (_name, changes, reason) => {
    const { docket, failures } = docketFor(changes);
    await docket.record({ action: 'a', tenant_id: 't', actor });
    await eventually(() => failures.length > 0, { what: 'a failure', deadlineMs: 30_000 });
    expect(failures[0]?.reason).toBe(reason);
    expect(docket.stats()).toMatchObject({ queuedEvents: 1, accepted: 0 });
    await docket.close({ deadlineMs: 1 });
  },
  60_000,
);
