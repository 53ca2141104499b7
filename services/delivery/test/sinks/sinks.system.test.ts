import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newWebhookSecret } from '@docket/directory';
import type { SealedSecret, Sink } from '@docket/directory';
import { createWorld, eventually, publishRecords, startService } from '@docket/testkit';
import type { IncomingRequest, Receiver, Reply, ServiceProcess, World } from '@docket/testkit';

import { record, startDelivery, subscribe } from '../delivery-for-tests.ts';

let world: World;
let delivery: ServiceProcess;
let ingestor: ServiceProcess;
const receivers: Receiver[] = [];
const token = 'token-that-nobody-may-see';

beforeAll(async () => {
  world = await createWorld({ partitions: 4 });
  // What was recorded before delivery knew the subscription comes from ClickHouse.
  [ingestor, delivery] = await Promise.all([startService('ingestor', { ...world.env }), startDelivery(world)]);
}, 90_000);

afterAll(async () => {
  await Promise.all([delivery.kill('SIGKILL'), ingestor.kill('SIGKILL')]);
  for (const receiver of receivers) await receiver.close();
  await world.close();
}, 60_000);

interface Sent {
  readonly id: string;
  readonly seq: number;
  readonly prev_seq: number;
}

/** Answers with `replies`, one after the other, then as `reply` does. */
async function receiving(
  tenantId: string,
  at: (url: string, secrets: SealedSecret[]) => Sink,
  reply: (request: IncomingRequest) => Reply,
  replies: readonly Reply[] = [],
  { secret = token, format = 'native' }: { readonly secret?: string; readonly format?: 'native' | 'ocsf' } = {},
): Promise<Receiver> {
  const left = [...replies];
  const { receiver } = await subscribe(world, tenantId, {
    behaviour: { kind: 'reply', reply: (request) => left.shift() ?? reply(request) },
    batch: { max_events: 10, max_wait_ms: 100 },
    format,
    sink: { token: secret, at },
  });
  receivers.push(receiver);
  return receiver;
}

/** 25 events, of which some have records that are no events in front of them and behind them. */
async function recordAll(tenantId: string): Promise<string[]> {
  const garbage = { key: tenantId, value: Buffer.from('garbage') };
  const ids = await record(world, tenantId, 12);
  await publishRecords(world, [garbage, garbage]);
  ids.push(...(await record(world, tenantId, 12)));
  await publishRecords(world, [garbage]);
  ids.push(...(await record(world, tenantId, 1)));
  return ids;
}

/** I6 and the promise of every format: all, in order, each naming the one before it. */
function expectWhole(sent: readonly Sent[], ids: readonly string[]): void {
  expect(sent.map(({ id }) => id)).toEqual(ids);
  expect(sent.map(({ prev_seq: prevSeq }) => prevSeq)).toEqual([0, ...sent.slice(0, -1).map(({ seq }) => seq)]);
}

const parse = (text: string): unknown => JSON.parse(text);
const eventIn = (holder: unknown, member: string): Sent => Object(holder)[member];
const placeOfOcsf = (event: unknown): Sent => {
  const { metadata, unmapped } = Object(event);
  return { id: metadata.uid, seq: metadata.sequence, prev_seq: unmapped.prev_seq };
};
const linesOf = (body: Buffer): unknown[] => body.toString().trimEnd().split('\n').map(parse);

async function untilReceived(read: () => readonly Sent[], ids: readonly string[]): Promise<readonly Sent[]> {
  const last = ids.at(-1);
  await eventually(() => read().some(({ id }) => id === last), { what: 'the last event', deadlineMs: 60_000 });
  return read();
}

describe('I6: everything arrives, in order, in the sink’s own words', () => {
  test('splunk_hec: concatenated objects on one channel; busy is tried again', async () => {
    const ok = { status: 200, body: '{"text":"Success","code":0}' };
    const busy = { status: 503, body: '{"text":"Server is busy","code":9}' };
    const receiver = await receiving(
      'splunk-co',
      (url, secrets) => ({ type: 'splunk_hec', url, secrets, index: 'audit' }),
      () => ok,
      [ok, busy],
    );
    const ids = await recordAll('splunk-co');
    const received = () =>
      receiver
        .accepted()
        .flatMap(({ body }) => linesOf(Buffer.from(body.toString().replaceAll('}{"time"', '}\n{"time"'))));
    expectWhole(await untilReceived(() => received().map((one) => eventIn(one, 'event')), ids), ids);
    expect(received()[0]).toMatchObject({ index: 'audit', sourcetype: 'docket:audit', time: expect.any(Number) });
    expect(receiver.requests.filter(({ status }) => status === 503)).toHaveLength(1);
    const { requests } = receiver;
    expect(new Set(requests.map(({ path }) => path))).toEqual(new Set(['/services/collector/event']));
    expect(new Set(requests.map(({ headers }) => headers.authorization))).toEqual(new Set([`Splunk ${token}`]));
    const channels = new Set(requests.map(({ headers }) => headers['x-splunk-request-channel']));
    expect(channels.size).toBe(1);
    expect([...channels][0]).toMatch(/^[0-9a-f-]{36}$/);
  }, 120_000);

  test('datadog: arrays of logs; 429 is tried again', async () => {
    const receiver = await receiving(
      'datadog-co',
      (url, secrets) => ({ type: 'datadog', url, secrets }),
      () => ({ status: 202, body: '{}' }),
      [{ status: 429, body: '{}' }],
    );
    const ids = await recordAll('datadog-co');
    const received = () => receiver.accepted().flatMap(({ body }) => linesOf(body).flat());
    expectWhole(await untilReceived(() => received().map((one) => eventIn(one, 'docket')), ids), ids);
    expect(
      receiver.requests.every(({ path, headers }) => path === '/api/v2/logs' && headers['dd-api-key'] === token),
    ).toBe(true);
    expect(receiver.requests.filter(({ status }) => status === 429)).toHaveLength(1);
  }, 120_000);

  test('elastic_bulk: items that were there already or came late are each stored once', async () => {
    const stored = new Map<string, Sent>();
    let refusals = 1;
    const create = (action: unknown, document: unknown): object => {
      const id = String(Object(Object(action).create)['_id']);
      if (stored.has(id)) return { create: { status: 409, error: { type: 'version_conflict_engine_exception' } } };
      if (stored.size === 3 && refusals > 0) {
        refusals -= 1;
        return { create: { status: 429, error: { type: 'es_rejected_execution_exception' } } };
      }
      stored.set(id, Object(document));
      return { create: { status: 201 } };
    };
    const bulk = ({ body }: IncomingRequest): Reply => {
      const lines = linesOf(body);
      const items = lines.flatMap((line, index) => (index % 2 === 0 ? [create(line, lines[index + 1])] : []));
      const errors = items.some((item) => JSON.stringify(item).includes('error'));
      return { status: 200, body: JSON.stringify({ errors, items }) };
    };
    const receiver = await receiving(
      'elastic-co',
      (url, secrets) => ({ type: 'elastic_bulk', url: `${url}/proxy`, secrets, index: 'audit', auth: 'api_key' }),
      bulk,
    );
    const ids = await recordAll('elastic-co');
    const inOrder = () => [...stored.values()].sort((a, b) => a.seq - b.seq);
    expectWhole(await untilReceived(inOrder, ids), ids);
    expect([...stored.keys()]).toEqual([...stored.values()].map(({ id, seq }) => `${id}:${seq}`));
    expect(refusals).toBe(0);
    expect(receiver.requests.every(({ headers }) => headers.authorization === `ApiKey ${token}`)).toBe(true);
    expect(new Set(receiver.requests.map(({ path }) => path.split('?')[0]))).toEqual(new Set(['/proxy/audit/_bulk']));
  }, 120_000);

  test.each([
    ['single', 'native'],
    ['ndjson', 'ocsf'],
  ] as const)(
    'webhook, layout %s, events %s: 500 is tried again with the same bytes',
    async (layout, format) => {
      const receiver = await receiving(
        `${layout}-co`,
        (url, secrets) => ({ type: 'webhook', url, secrets, layout }),
        () => ({ status: 204 }),
        [{ status: 204 }, { status: 500 }],
        { secret: newWebhookSecret(), format },
      );
      const ids = await recordAll(`${layout}-co`);
      const received = () =>
        receiver
          .accepted()
          .flatMap(({ body }) => linesOf(body))
          .map((one) => (layout === 'single' ? eventIn(one, 'data') : placeOfOcsf(one)));
      expectWhole(await untilReceived(received, ids), ids);
      const [, failed, again] = receiver.requests;
      expect([failed?.status, again?.status]).toEqual([500, 204]);
      expect(again?.body.equals(failed?.body ?? Buffer.alloc(0))).toBe(true);
      expect(again?.headers['webhook-id']).toBe(failed?.headers['webhook-id']);
      if (layout === 'single') expect(receiver.accepted()).toHaveLength(ids.length);
    },
    120_000,
  );

  test('a token is in no log line, also when the receiver answers with it', async () => {
    const receiver = await receiving(
      'echo-co',
      (url, secrets) => ({ type: 'datadog', url, secrets }),
      ({ headers }) => ({ status: 403, body: `no such key: ${String(headers['dd-api-key'])}` }),
    );
    await record(world, 'echo-co', 1);
    await eventually(() => receiver.requests.length > 0, { what: 'a request' });
    await eventually(() => delivery.logs.some((line) => line.includes('status_403')), {
      what: 'the attempt in the log',
    });
    expect(delivery.logs.filter((line) => line.includes(token))).toEqual([]);
  }, 60_000);
});
