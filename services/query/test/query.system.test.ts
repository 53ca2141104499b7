import { randomBytes, randomUUID } from 'node:crypto';
import { createBlock, insertBlock } from '@docket/clickhouse';
import { eventColumns, newEventId, type EventRow } from '@docket/event';
import {
  createKeyring,
  createWorld,
  eventually,
  startService,
  type Keyring,
  type ServiceProcess,
  type World,
} from '@docket/testkit';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openEventStream } from './event-stream.ts';
import { internalColumns, storedRow } from './stored-row.ts';

let world: World;
let keyring: Keyring;
let query: ServiceProcess;

beforeAll(async () => {
  world = await createWorld();
  keyring = createKeyring(world);
  query = await startService('query', world.env);
}, 120_000);

afterAll(async () => {
  await query?.stop();
  await keyring?.close();
  await world?.close();
}, 60_000);

const statusOf = async (path: string, authorization: string): Promise<number> => {
  const response = await fetch(`${query.url}${path}`, { headers: { authorization } });
  await response.arrayBuffer();
  return response.status;
};

const metric = async (name: string): Promise<string | undefined> => {
  const text = await (await fetch(`${query.url}/metrics`)).text();
  return new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1];
};

describe('the query service as a process', () => {
  test('answers from ClickHouse with keys of the directory', async () => {
    const id = newEventId();
    const block = createBlock<EventRow>(eventColumns);
    block.append({ ...storedRow({ id, action: 'document.shared' }), ...internalColumns });
    const outcome = await insertBlock(world.clickhouse, { table: 'audit_events', block, token: randomUUID() });
    expect(outcome).toEqual({ ok: true });

    const { authorization } = await keyring.make();
    await eventually(async () => (await statusOf('/v1/whoami', authorization)) === 200, { what: 'the key is known' });
    const response = await fetch(`${query.url}/v1/events?action=document.*`, { headers: { authorization } });
    expect(await response.json()).toMatchObject({
      data: [{ id, action: 'document.shared', seq: 1 }],
      next_cursor: null,
    });
    expect(response.headers.get('x-request-id')).toBeTruthy();
  });

  test('a key that is revoked is refused from then on', async () => {
    const { entity, authorization } = await keyring.make();
    await eventually(async () => (await statusOf('/v1/events', authorization)) === 200, { what: 'the key is known' });
    await keyring.put({ ...entity, revoked_at: '2026-11-02T00:00:00.000Z' });
    await eventually(async () => (await statusOf('/v1/events', authorization)) === 401, { what: 'the key is refused' });
  });

  test('a caller who goes away leaves no work behind', async () => {
    const { authorization } = await keyring.make();
    await eventually(async () => (await statusOf('/v1/whoami', authorization)) === 200, { what: 'the key is known' });
    const controller = new AbortController();
    const waiting = fetch(`${query.url}/v1/events/${newEventId()}?wait=30`, {
      headers: { authorization },
      signal: controller.signal,
    });
    await eventually(async () => (await metric('docket_query_waiters')) === '1', { what: 'the request waits' });
    controller.abort();
    await expect(waiting).rejects.toThrow();
    await eventually(async () => (await metric('docket_query_waiters')) === '0', { what: 'nobody waits' });
    expect(await metric('docket_query_reads_in_flight')).toBe('0');
    expect(query.logs.filter((line) => /http\.(failed|unavailable)/.test(line))).toEqual([]);
  });

  test('ends tails well and exports visibly at SIGTERM, through the gateway too, and leaves nothing', async () => {
    const { authorization } = await keyring.make({ tenants: ['streamed'] });
    const own = await startService('query', { ...world.env, TAIL_POLL_MS: '50' });
    const gateway = await startService('gateway', {
      ...world.env,
      QUERY_URL: own.url,
      ADMIN_URL: 'http://127.0.0.1:1',
    });
    try {
      const block = createBlock<EventRow>(eventColumns);
      // More than all buffers on the way hold, so that an export that is not read stands still.
      for (let seq = 1; seq <= 400; seq++) {
        const description = randomBytes(90_000).toString('base64');
        block.append({
          ...storedRow({ id: newEventId(), tenant_id: 'streamed', seq, description }),
          ...internalColumns,
        });
      }
      await insertBlock(world.clickhouse, { table: 'audit_events', block, token: randomUUID() });
      const isKnown = async (url: string): Promise<boolean> =>
        (await fetch(`${url}/v1/whoami`, { headers: { authorization } })).status === 200;
      await eventually(() => isKnown(gateway.url), { what: 'the key is known' });

      const direct = await openEventStream(`${own.url}/v1/tail`, { authorization });
      const proxied = await openEventStream(`${gateway.url}/v1/tail?after=399`, { authorization });
      await eventually(() => proxied.actions().length === 1 && direct.messages.length > 0, { what: 'both tails' });
      const file = await fetch(`${own.url}/v1/export`, { headers: { authorization } });
      expect(await own.stop()).toEqual({ code: 0, signal: null });
      expect([await direct.ended(), await proxied.ended()]).toEqual(['clean', 'clean']);
      expect(direct.messages.at(-1)).toMatchObject({ event: 'end', data: { reason: 'stopping' } });
      expect(proxied.messages.at(-1)).toMatchObject({ event: 'end', data: { reason: 'stopping' } });
      await expect(file.text()).rejects.toThrow();
    } finally {
      await own.kill();
      await gateway.kill();
    }
  }, 60_000);

  test('a tail through the gateway ends well when the gateway stops', async () => {
    const { authorization } = await keyring.make();
    const gateway = await startService('gateway', {
      ...world.env,
      QUERY_URL: query.url,
      ADMIN_URL: 'http://127.0.0.1:1',
    });
    try {
      await eventually(async () => (await statusOf('/v1/whoami', authorization)) === 200, { what: 'the key is known' });
      const stream = await openEventStream(`${gateway.url}/v1/tail`, { authorization });
      await eventually(() => stream.messages.length > 0, { what: 'the beginning' });
      expect(await gateway.stop()).toEqual({ code: 0, signal: null });
      expect(await stream.ended()).toBe('clean');
      await eventually(async () => (await metric('docket_query_tails_open')) === '0', { what: 'no tail is open' });
    } finally {
      await gateway.kill();
    }
  }, 60_000);

  test('stops cleanly at SIGTERM', async () => {
    const other = await startService('query', world.env);
    expect(await other.stop()).toEqual({ code: 0, signal: null });
  });
});
