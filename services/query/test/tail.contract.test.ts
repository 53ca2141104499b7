import { get } from 'node:http';
import type { ClickHouse } from '@docket/clickhouse';
import type { EventRow } from '@docket/event';
import { eventually } from '@docket/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { openEventStream, type EventStream } from './event-stream.ts';
import { createQueryWorld, type QueryWorld } from './query-world.ts';

let world: QueryWorld;
let isAway = false;
const open: EventStream[] = [];

/** The real ClickHouse, which can be told to be away. */
const disturb = (clickhouse: ClickHouse): ClickHouse => ({
  ...clickhouse,
  query: (sql, params, options) => clickhouse.query(sql, params, isAway ? { ...options, deadlineMs: 0 } : options),
});

beforeAll(async () => {
  world = await createQueryWorld({ disturb });
});
afterAll(() => world.close());
afterEach(async () => {
  isAway = false;
  for (const stream of open.splice(0)) stream.close();
  await eventually(async () => (await world.metric('docket_query_tails_open')) === 0, { what: 'no open tail' });
});

/** A log of its own, so that each test knows its seqs. */
let logs = 0;
function newLog(): { tenant: string; key: string; add(...rows: Partial<EventRow>[]): Promise<void> } {
  const tenant = `tail-${++logs}`;
  let seq = 0;
  return {
    tenant,
    key: world.key([tenant]),
    add: (...rows) => world.store(rows.map((row) => ({ tenant_id: tenant, seq: ++seq, ...row }))),
  };
}

async function tail(key: string, query = '', headers: Readonly<Record<string, string>> = {}): Promise<EventStream> {
  const stream = await openEventStream(`${world.url}/v1/tail?${query}`, { authorization: key, ...headers });
  open.push(stream);
  return stream;
}

const has = (stream: EventStream, actions: readonly string[]): Promise<unknown> =>
  eventually(() => actions.every((action) => stream.actions().includes(action)), {
    what: `the events ${actions.join(', ')}`,
  });

describe('a tail', () => {
  test('begins at the end of the log, and sends what comes, in seq order, with seqs as ids', async () => {
    const log = newLog();
    await log.add({ action: 'old.one' });
    const stream = await tail(log.key);
    expect([stream.status, stream.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    await eventually(() => stream.messages.length > 0, { what: 'the first message' });
    expect(stream.messages).toEqual([
      { id: '1', event: 'progress', data: { next_after: 1, skipped: expect.anything() } },
    ]);
    await log.add({ action: 'new.two' }, { action: 'new.three' });
    await log.add({ action: 'new.four' });
    await has(stream, ['new.four']);
    expect(stream.actions()).toEqual(['new.two', 'new.three', 'new.four']);
    expect(stream.messages.slice(1).map(({ id, data }) => [id, data['seq']])).toEqual([['2', 2], ['3', 3], ['4', 4]]); // prettier-ignore
    expect(stream.text()).toMatch(/^retry: \d+\n\n/);
    expect(world.readings.at(-1)).toMatchObject({ kind: 'tailed', log: log.tenant });
  });

  test('sends the events of GET /v1/events', async () => {
    const log = newLog();
    await log.add({ actor_name: 'Jane', metadata: { plan: 'pro' }, status: 'conflict', ip: '203.0.113.9' });
    const stream = await tail(log.key, 'after=0');
    await eventually(() => stream.actions().length > 0, { what: 'the event' });
    const { body } = await world.get('/v1/events', log.key);
    expect(stream.messages.filter(({ event }) => event === 'message').map(({ data }) => data)).toEqual(body.data);
  });

  test('passes hundreds of rows that are there already, and goes on live', async () => {
    const log = newLog();
    await log.add(...Array.from({ length: 300 }, (_, index) => ({ action: `a.${index + 1}` })));
    const stream = await tail(log.key, 'after=100');
    await has(stream, ['a.300']);
    await log.add({ action: 'a.301' });
    await has(stream, ['a.301']);
    expect(stream.actions()).toEqual(Array.from({ length: 201 }, (_, index) => `a.${index + 101}`));
  });

  test('filters, and accounts for every seq that it does not send', async () => {
    const log = newLog();
    await log.add(
      { action: 'user.created', outcome: 'success' },
      { action: 'user.deleted', outcome: 'denied' },
      { action: 'user.created', status: 'duplicate' },
      { action: '', status: 'quarantined', raw: Buffer.from('SECRET') },
      { action: 'user.created', outcome: 'denied', actor_id: 'u_2' },
    );
    const stream = await tail(log.key, 'after=0&q=action:user.created&outcome=denied&outcome=failure');
    await eventually(() => stream.messages.at(-1)?.id === '5' && stream.messages.at(-1)?.event === 'progress', {
      what: 'the progress',
    });
    expect(stream.messages.slice(1)).toEqual([
      expect.objectContaining({ id: '5', event: 'message' }),
      {
        id: '5',
        event: 'progress',
        data: { next_after: 5, skipped: { filtered: 2, duplicate: 1, quarantined: 1, rerouted: 0, lost: 0 } },
      },
    ]);
    expect(stream.text()).not.toContain('SECRET');
  });

  test.each([
    ['after', 'after=2', {}],
    ['Last-Event-ID, which goes before after', 'after=0', { 'last-event-id': '2' }],
  ])('goes on behind %s', async (_, query, headers) => {
    const log = newLog();
    await log.add({ action: 'one' }, { action: 'two' }, { action: 'three' });
    const stream = await tail(log.key, query, headers);
    await has(stream, ['three']);
    expect(stream.actions()).toEqual(['three']);
  });

  test('never passes a seq that is missing: what stands behind it comes when it is there', async () => {
    const log = newLog();
    await log.add({ action: 'one' }, { action: 'three', seq: 3 });
    const stream = await tail(log.key, 'after=0');
    await has(stream, ['one']);
    await log.add({ action: 'two', seq: 2 });
    await has(stream, ['two', 'three']);
    expect(stream.actions()).toEqual(['one', 'two', 'three']);
  });

  test('stays while ClickHouse is away, and misses nothing', async () => {
    const log = newLog();
    const stream = await tail(log.key);
    await eventually(() => stream.messages.length > 0, { what: 'the beginning' });
    isAway = true;
    const failures = await world.metric('docket_query_read_failures_total{code="clickhouse_unavailable"}');
    await eventually(
      async () =>
        (await world.metric('docket_query_read_failures_total{code="clickhouse_unavailable"}')) > failures + 1,
      { what: 'looks that fail' },
    );
    await log.add({ action: 'while.away' });
    expect(stream.end()).toBeNull();
    isAway = false;
    await has(stream, ['while.away']);
  });
});

describe('a tail ends', () => {
  test('well at SIGTERM, and goes on with its last id', async () => {
    const log = newLog();
    await log.add({ action: 'one' });
    const stream = await tail(log.key, 'after=0');
    await has(stream, ['one']);
    world.drain();
    expect(await stream.ended()).toBe('clean');
    expect(stream.messages.at(-1)).toMatchObject({ id: '1', event: 'end', data: { reason: 'stopping' } });
    await log.add({ action: 'two' });
    const again = await tail(log.key, '', { 'last-event-id': stream.messages.at(-1)?.id ?? '' });
    await has(again, ['two']);
    expect(again.actions()).toEqual(['two']);
  });

  test.each([
    ['is revoked', { revoked_at: '2026-11-02T00:00:00.000Z' }],
    ['has expired', { expires_at: '2026-11-02T00:00:00.000Z' }],
    ['loses its scope', { scopes: [] }],
    ['loses the tenant', { tenants: ['another'] }],
  ])('within 2 s when its key %s', async (_, change) => {
    const log = newLog();
    const stream = await tail(log.key, 'after=0');
    await eventually(() => stream.messages.length > 0, { what: 'the beginning' });
    world.changeKey(log.key, change);
    await eventually(() => stream.end() === 'clean', { what: 'its end', deadlineMs: 2_000 });
    expect(stream.messages.at(-1)).toMatchObject({ event: 'end', data: { reason: 'credential_ended' } });
  });

  test('when its viewer token expires', async () => {
    const log = newLog();
    // A token of 2 s lives one at least; on a machine that is too slow even for that, another one is tried.
    const stream = await eventually(
      async () => {
        const opened = await tail(await world.viewer(log.key, { view: 'admin', ttl_seconds: 2 }));
        return opened.status === 200 ? opened : null;
      },
      { what: 'a stream that opens before its token expires' },
    );
    await eventually(() => stream.end() !== null, { what: 'its end', deadlineMs: 5_000 });
    expect(stream.end()).toBe('clean');
    expect(stream.messages.at(-1)).toMatchObject({ event: 'end', data: { reason: 'credential_ended' } });
  });
});

describe('limits', () => {
  test('I8: a reader that takes nothing is not read for: one page at most is held', async () => {
    const log = newLog();
    const description = 'x'.repeat(100_000);
    for (let part = 0; part < 10; part++) await log.add(...Array.from({ length: 64 }, () => ({ description })));
    const reads = () => world.metric('docket_query_read_seconds_count{kind="feed"}');
    const before = await reads();
    const paused = get(`${world.url}/v1/tail?after=0`, { headers: { authorization: log.key }, agent: false });
    await new Promise((resolve) => paused.on('response', resolve).on('error', () => undefined));
    const sent = () => world.metric('docket_query_tailed_events_total');
    // It stands still: between two looks at it nothing more was read or sent.
    let last = -1;
    await eventually(
      async () => {
        const now = await reads();
        const isStill = now === last;
        last = now;
        return isStill;
      },
      { what: 'a stream that stands still', intervalMs: 500 },
    );
    expect((await reads()) - before).toBeLessThan(10);
    expect(await sent()).toBeLessThan(640);
    paused.destroy();
  });

  test('I7: a key and a tenant have so many, and then are told so', async () => {
    const log = newLog();
    await tail(log.key);
    await tail(log.key);
    const third = await world.get('/v1/tail', log.key);
    expect([third.status, third.body['detail']]).toEqual([429, '2 tails of this key are open.']);
    await tail(world.key([log.tenant]));
    await tail(world.key([log.tenant]));
    const fifth = await world.get('/v1/tail', world.key([log.tenant]));
    expect([fifth.status, fifth.body['detail']]).toEqual([429, '4 tails of this tenant are open.']);
    await tail(newLog().key);
  });

  test('tails of one log share their looks at it', async () => {
    const log = newLog();
    const streams = [await tail(log.key), await tail(log.key), await tail(world.key([log.tenant])), await tail(world.key([log.tenant]))]; // prettier-ignore
    const reads = () => world.metric('docket_query_read_seconds_count{kind="feed"}');
    await log.add({ action: 'shared' });
    for (const stream of streams) await has(stream, ['shared']);
    const [before, startedAtMs] = [await reads(), performance.now()];
    await eventually(async () => (await reads()) >= before + 10, { what: 'ten looks' });
    // Each of four streams looks every 50 ms; without sharing, ten looks take three intervals.
    expect(performance.now() - startedAtMs).toBeGreaterThan(200);
  });
});

describe('I5', () => {
  test('a tail shows nothing of another log, and follows its own', async () => {
    const [left, right] = [newLog(), newLog()];
    const stream = await tail(left.key, 'after=0');
    await right.add({ action: 'right.one', description: 'MARKER-RIGHT' });
    await left.add({ action: 'left.one' });
    await has(stream, ['left.one']);
    expect(stream.text()).not.toContain('MARKER-RIGHT');
    expect(stream.actions()).toEqual(['left.one']);
  });

  test.each([
    ['no credential', undefined, '', 401, 'unauthenticated'],
    ['another tenant', 'acme', 'tenant_id=globex', 403, 'tenant_not_allowed'],
    ['several tenants, none named', '*', '', 400, 'tenant_required'],
    ['a wrong parameter', 'acme', 'limit=5', 400, 'invalid_request'],
    ['a wrong after', 'acme', 'after=last', 400, 'invalid_request'],
  ])('%s is refused before the stream begins', async (_, who, query, status, code) => {
    const key = who === undefined ? undefined : world.key(who === '*' ? '*' : [who]);
    const answer = await world.get(`/v1/tail?${query}`, key);
    expect([answer.status, answer.body['code']]).toEqual([status, code]);
  });

  test('the view user has no tail, a wrong Last-Event-ID is told, and HEAD opens none', async () => {
    const key = world.key(['acme']);
    const viewer = await world.viewer(key, { view: 'user', any_of: [{ actor: { type: 'user', id: 'u_1' } }] });
    expect((await world.get('/v1/tail', viewer)).body['code']).toBe('view_not_allowed');
    const headers = { authorization: key, 'last-event-id': 'x' };
    expect((await fetch(`${world.url}/v1/tail`, { headers })).status).toBe(400);
    expect((await fetch(`${world.url}/v1/tail`, { method: 'HEAD', headers })).status).toBe(405);
  });

  test('410 when what is behind after was cut', async () => {
    const log = newLog();
    await world.clickhouse.command(
      `INSERT INTO log_heads (generation, partition, tenant_id, first_seq, head_seq) VALUES (1, 0, {tenant:String}, 10, 20)`,
      { tenant: log.tenant },
    );
    const answer = await world.get('/v1/tail?after=5', log.key);
    expect([answer.status, answer.body['code'], answer.body['first_seq']]).toEqual([410, 'cursor_expired', 10]);
  });
});
