import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { encodeDeliveryAttempt, frameAvro, newEventId, type DeliveryAttempt } from '@docket/event';
import { createPublisher, valueSubjectOf } from '@docket/kafka';
import { deliveryAttemptAvro } from '@docket/schemas';
import { createWorld, eventually, startService, type World } from '@docket/testkit';

describe('the copy of delivery attempts', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld({ partitions: 2 });
  }, 60_000);
  afterAll(() => world.close(), 60_000);

  async function publish(attempts: readonly Partial<DeliveryAttempt>[]): Promise<void> {
    const topic = world.kafka.topics.attempts.name;
    const schemaId = await world.registry.register(valueSubjectOf(topic), deliveryAttemptAvro);
    const records = attempts.map((changed) => ({
      key: 'sub_1',
      value: frameAvro(schemaId, encodeDeliveryAttempt({ ...delivered, attempt_id: newEventId(), ...changed })),
    }));
    const publisher = createPublisher(world.kafka);
    await publisher.start();
    const outcomes = await publisher.publish(topic, records);
    await publisher.stop();
    expect(outcomes.every(({ ok }) => ok)).toBe(true);
  }

  const storedTries = async () =>
    (await world.clickhouse.query<{ try: number }>('SELECT try FROM delivery_attempts FINAL ORDER BY try')).map(
      (row) => row.try,
    );

  test('leaves out a row that ClickHouse refuses, loudly, and goes on behind it', async () => {
    await world.clickhouse.command("ALTER TABLE delivery_attempts ADD CONSTRAINT none CHECK error != 'refuse me'");
    await publish([{ try: 1 }, { try: 2, error: 'refuse me' }, { try: 3, attempt_id: 'seven' }, { try: 4 }]);
    const ingestor = await startService('ingestor', world.env);
    const until = (tries: number[]) =>
      eventually(async () => ((await storedTries()).join() === tries.join() ? true : undefined), {
        what: `the storing of attempts ${tries.join()}`,
        deadlineMs: 30_000,
      });
    await until([1, 4]);
    await publish([{ try: 5 }]);
    await until([1, 4, 5]);
    const metrics = await (await fetch(`${ingestor.url}/metrics`)).text();
    expect(metrics).toMatch(/^docket_ingestor_refused_attempts_total 2$/m);
    expect(ingestor.logs.filter((line) => line.includes('attempt.refused'))).toHaveLength(2);
    await ingestor.stop();
  }, 120_000);

  test('waits for a registry that does not give the schema: no attempt is unreadable because a server is down', async () => {
    const registry = await startRegistryWithoutSchemas(world.env['SCHEMA_REGISTRY_URL'] ?? '');
    const ingestor = await startService('ingestor', { ...world.env, SCHEMA_REGISTRY_URL: registry.url });
    await publish([{ try: 6 }]);
    await eventually(async () => (registry.refused() >= 2 ? true : undefined), { what: 'the second refusal' });
    registry.mend();
    await eventually(async () => ((await storedTries()).at(-1) === 6 ? true : undefined), { what: 'attempt 6' });
    expect(ingestor.logs.filter((line) => line.includes('attempt.unreadable'))).toEqual([]);
    await ingestor.stop();
    await registry.close();
  }, 120_000);

  test('attempts that come one by one are inserted together: some inserts a second, however many there are', async () => {
    const inserts = async (): Promise<number> => {
      const sql = `SELECT toUInt32(max(max_block_number)) AS n FROM system.parts
        WHERE database = currentDatabase() AND table = 'delivery_attempts'`;
      return (await world.clickhouse.query<{ n: number }>(sql))[0]?.n ?? 0;
    };
    const ingestor = await startService('ingestor', world.env);
    const [insertsBefore, triesBefore] = [await inserts(), (await storedTries()).length];
    const beganAtMs = performance.now();
    const count = 60;
    for (let index = 0; index < count; index += 1) await publish([{ try: 100 + index }]);
    const seconds = (performance.now() - beganAtMs) / 1_000;
    await eventually(async () => (await storedTries()).length === triesBefore + count, {
      what: `the storing of ${count} attempts`,
      deadlineMs: 30_000,
    });
    expect((await inserts()) - insertsBefore).toBeLessThan(seconds + 5);
    await ingestor.stop();
  }, 120_000);
});

/** Hands on what it is asked, but refuses to give schemas until it is mended. */
async function startRegistryWithoutSchemas(target: string) {
  let isMended = false;
  let refused = 0;
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    if (!isMended && path.startsWith('/schemas/ids/')) {
      refused += 1;
      response.writeHead(503).end();
      return;
    }
    void handOn(path, response);
  });
  const handOn = async (path: string, response: ServerResponse): Promise<void> => {
    const answer = await fetch(`${target}${path}`);
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
  };
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    refused: () => refused,
    mend: () => void (isMended = true),
    close: async () => void (await once(server.close(), 'close')),
  };
}

const delivered: DeliveryAttempt = {
  attempt_id: '',
  tenant_id: 'acme',
  subscription_id: 'sub_1',
  from_seq: 1,
  to_seq: 2,
  event_count: 2,
  body_bytes: 100,
  try: 1,
  started_at: Date.UTC(2026, 10, 23),
  duration_ms: 12,
  outcome: 'delivered',
  http_status: 200,
  error: '',
  answer_excerpt: '',
};
