import { randomBytes } from 'node:crypto';
import { get, type IncomingMessage } from 'node:http';
import type { ClickHouse } from '@docket/clickhouse';
import { eventually } from '@docket/testkit';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createQueryWorld, type QueryWorld } from './query-world.ts';

/** Together more than all buffers between ClickHouse and a reader that takes nothing: an export of them stands still midway. */
const rows = 500;
const rowBytes = 120_000;
const timeoutMs = 10_000;

let world: QueryWorld;
let acme: string;
/** Is done between the pinning of an export and its statement. */
let meanwhile: (() => Promise<void>) | null = null;
let condition = 'true';

function disturbed(clickhouse: ClickHouse): ClickHouse {
  return {
    ...clickhouse,
    async stream(sql, params, options) {
      await meanwhile?.();
      return clickhouse.stream(sql.replace('WHERE', `WHERE ${condition} AND`), params, options);
    },
  };
}

beforeAll(async () => {
  world = await createQueryWorld({
    disturb: disturbed,
    exports: { exportConcurrencyMax: 4, exportKeyConcurrencyMax: 1, exportTimeoutMs: timeoutMs },
  });
  acme = world.key(['acme']);
  await world.store(
    Array.from({ length: rows }, (_, index) => ({
      seq: index + 1,
      // Without patterns, so that no format makes it small.
      description: randomBytes((rowBytes * 3) / 4).toString('base64'),
    })),
  );
});
afterAll(() => world.close());

interface Received {
  readonly status: number;
  /** Whether HTTP says that this is all. */
  readonly isWhole: boolean;
  readonly text: string;
}

/** Starts an export and gives its answer when the headers are there; until `receive` its reader takes nothing. */
function begin(query: string, credential = acme): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = { headers: { authorization: credential }, agent: false };
    get(`${world.url}/v1/export?${query}`, options, resolve).on('error', reject);
  });
}

async function receive(answer: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = [];
  answer.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise<void>((resolve) => answer.on('error', () => undefined).on('close', resolve));
  const text = Buffer.concat(chunks).toString('latin1');
  return { status: answer.statusCode ?? 0, isWhole: answer.complete, text };
}

async function stateOf({ headers }: IncomingMessage): Promise<unknown> {
  return (await world.get(`/v1/exports/${String(headers['docket-export-id'])}`, acme)).body['state'];
}

/** Statements of this world that run in ClickHouse. */
const ours = "current_database = {database:String} AND query NOT LIKE '%system.processes%'";

async function running(): Promise<number> {
  const { clickhouse } = world;
  const sql = `SELECT count() AS running FROM system.processes WHERE ${ours}`;
  const [row] = await clickhouse.query<{ running: number }>(sql, { database: clickhouse.database });
  return row?.running ?? -1;
}

function nothingIsLeft(deadlineMs = 5_000): Promise<unknown> {
  return eventually(async () => (await world.metric('docket_query_exports_running')) === 0 && (await running()) === 0, {
    what: 'the end of all exports',
    deadlineMs,
  });
}

describe('an export that fails midway never looks whole', () => {
  test.each(['ndjson', 'csv', 'parquet'])('%s', async (format) => {
    const answer = await begin(`format=${format}`);
    expect([answer.statusCode, await running(), await stateOf(answer)]).toEqual([200, 1, 'running']);
    const { clickhouse } = world;
    await clickhouse.command(`KILL QUERY WHERE ${ours} ASYNC`, { database: clickhouse.database });
    const { isWhole, text } = await receive(answer);
    expect(isWhole).toBe(false);
    expect(text.length).toBeGreaterThan(0);
    expect(text).not.toMatch(/"manifest"|PAR1$|__exception__|DB::Exception/);
    await nothingIsLeft();
    expect(await stateOf(answer)).toBe('failed');
  });

  test('one that fails at its beginning is a problem document', async () => {
    condition = "throwIf(1, 'SECRET-OF-CLICKHOUSE') = 0";
    const { status, text } = await receive(await begin('')).finally(() => (condition = 'true'));
    expect([status, JSON.parse(text)]).toEqual([500, expect.objectContaining({ code: 'internal' })]);
    expect(text).not.toContain('SECRET');
    await nothingIsLeft();
  });

  test('one that takes too long is broken off', async () => {
    const answer = await begin('');
    await nothingIsLeft(timeoutMs + 5_000);
    expect((await receive(answer)).isWhole).toBe(false);
    expect(await stateOf(answer)).toBe('failed');
  });
});

describe('an export ends in ClickHouse too', () => {
  test('when its caller goes away', async () => {
    const answer = await begin('');
    expect(await running()).toBe(1);
    answer.destroy();
    await nothingIsLeft();
    expect(await stateOf(answer)).toBe('failed');
  });

  test('within 2 s of the revocation of its key, and its caller sees that it is not whole', async () => {
    const key = world.key(['acme']);
    const answer = await begin('', key);
    expect(await running()).toBe(1);
    world.changeKey(key, { revoked_at: '2026-11-02T00:00:00.000Z' });
    await nothingIsLeft(2_000);
    expect((await receive(answer)).isWhole).toBe(false);
  });

  test('when a key loses its scope, or the tenant', async () => {
    for (const change of [{ scopes: [] }, { tenants: ['globex'] }]) {
      const key = world.key(['acme']);
      const answer = await begin('', key);
      world.changeKey(key, change);
      await nothingIsLeft(2_000);
      expect((await receive(answer)).isWhole).toBe(false);
    }
  });

  test('when a viewer token expires', async () => {
    const viewer = await world.viewer(acme, { view: 'admin', ttl_seconds: 2 });
    const answer = await begin('', viewer);
    await nothingIsLeft();
    expect((await receive(answer)).isWhole).toBe(false);
  });
});

test('I7: a key has one export at a time, and a tenant half of the places', async () => {
  const first = await begin('');
  const refused = await world.get('/v1/export', acme);
  expect([refused.status, refused.body['code']]).toEqual([429, 'rate_limited']);
  const second = await begin('', world.key(['acme']));
  const third = await world.get('/v1/export', world.key(['acme']));
  expect([third.status, third.body['detail']]).toEqual([429, '2 exports of this tenant are under way.']);
  for (const answer of [first, second]) answer.destroy();
  await nothingIsLeft();
});

test('the range is pinned at the start: rows that come later do not enter', async () => {
  const query = 'actor_id=u_1&format=csv';
  meanwhile = () =>
    world.store([{ seq: rows + 1, occurred_at: Date.UTC(2020, 0, 1) * 1_000, description: 'LATE ROW' }]);
  const { text, isWhole } = await receive(await begin(query)).finally(() => (meanwhile = null));
  expect(isWhole).toBe(true);
  expect(text).not.toContain('LATE ROW');
  expect(text.split('\r\n')).toHaveLength(rows + 2);
  expect((await receive(await begin(query))).text).toContain('LATE ROW');
});
