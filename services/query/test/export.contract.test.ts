import { createHash } from 'node:crypto';
import { rowOfEvent, type EventRow } from '@docket/event';
import { eventually } from '@docket/testkit';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createChance } from '../../../packages/event/test/event-maker.ts';
import { loggedFrom } from '../../../packages/event/test/search/search-maker.ts';
import { tenantLock } from '../src/gate/tenant-lock-policy.ts';
import { exportedTypes, readCsv, readParquet } from './exported-files.ts';
import { createQueryWorld, type QueryWorld } from './query-world.ts';

let world: QueryWorld;
let acme: string;

/** Every shape that an event takes, and what is hard to write as JSON or CSV. */
const hard: readonly Partial<EventRow>[] = [
  { description: 'quotes " and \\ and / and \u0000\u0001\u001f\u007f', actor_name: 'line\r\nbreak\ttab' },
  {
    description: '\u2028\u2029 😀 ÄÖÜ',
    metadata: { 'a.b': '1', c: '"x"', _redrive_of: '17' },
    actor_metadata: { team: 'blue' },
  },
  { occurred_at: Date.UTC(1900, 0, 1) * 1_000 + 1, received_at: Date.UTC(2026, 10, 1) + 7 },
  { occurred_at: Date.UTC(1969, 11, 31, 23, 59, 59) * 1_000 + 999_999 },
  { on_behalf_of_type: 'user', on_behalf_of_id: 'u_9', on_behalf_of_name: '', status: 'conflict' },
  {
    'changes.path': ['a', 'b', 'c'],
    'changes.old': ['null', null, '{"deep":[1,2.5e10,"=x"]}'],
    'changes.new': [null, '"text"', 'true'],
  },
  {
    'changes.path': ['pretty', 'printed'],
    'changes.old': ['{\n  "a": 1,\r\n\t"b": "x\\ny"\n}', null],
    'changes.new': ['[\n1\n]\n', '\n"text"'],
  },
  {
    'resources.type': ['doc', 'folder'],
    'resources.id': ['=d1', 'f,2'],
    'resources.name': ['', '"N"'],
    'resources.metadata': [{}, { k: 'v' }],
  },
  { ip: '203.0.113.7', user_agent: 'curl', country: 'DE', session_id: 's', request_id: 'r', trace_id: 't' },
  { source_service: 'billing', source_version: '1', source_instance: 'pod', source_counter: 2 ** 40 },
  { source_counter: 5 },
  { description: '=HYPERLINK("http://evil","x")', actor_name: '+1', actor_id: '-2', request_id: '@x' },
  { description: '\t=1', actor_name: '\r=1', outcome_reason: "'quoted", session_id: '\n=1' },
];

beforeAll(async () => {
  world = await createQueryWorld();
  acme = world.key(['acme']);
  const chance = createChance(11);
  const place = { generation: 1, partition: 0, schemaId: 1, statusDetail: '' };
  const rows = Array.from({ length: 400 }, (_, index) => {
    const { event, seq, status, receivedAtMs } = loggedFrom(chance, chance.pick(['acme', 'globex']), index + 1);
    return rowOfEvent(event, { ...place, log: event.tenant_id, offset: seq, seq, status, receivedAtMs }, 0n);
  });
  await world.store(rows);
  await world.store(hard.map((row, index) => ({ seq: 401 + index, ...row })));
});
afterAll(() => world.close());

interface Exported {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly bytes: Buffer;
}

async function exported(query: string, authorization?: string): Promise<Exported> {
  const response = await fetch(`${world.url}/v1/export?${query}`, {
    headers: authorization === undefined ? {} : { authorization },
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  return { status: response.status, headers: response.headers, bytes, text: bytes.toString('utf8') };
}

type Shown = Record<string, unknown> & { readonly id: string; readonly occurred_at: string };

/** What GET /v1/events answers, oldest first. */
async function listed(query: string, authorization: string): Promise<Shown[]> {
  const { status, body } = await world.get(`/v1/events?limit=1000&${query}`, authorization);
  expect(status).toBe(200);
  // The tests' own reading of an answer.
  return ((body.data ?? []) as Shown[]).toReversed();
}

function linesOf({ text }: Exported): { events: Shown[]; manifest: Record<string, unknown> } {
  expect(text.endsWith('\n')).toBe(true);
  const lines = text.slice(0, -1).split('\n');
  const { manifest } = JSON.parse(lines.at(-1) ?? '') as { manifest: Record<string, unknown> };
  return { events: lines.slice(0, -1).map((line) => JSON.parse(line) as Shown), manifest };
}

const user = { view: 'user', any_of: [{ actor: { type: 'user', id: 'u_1' } }] };
const queries = ['', 'outcome=success', 'q=-action:user*', 'q=status:*', 'ip=203.0.113.0/24', 'actor_id=nobody'];

describe('NDJSON', () => {
  test.each(queries)('has the events of GET /v1/events, oldest first, and a manifest: %s', async (query) => {
    const answer = await exported(query, acme);
    const { events, manifest } = linesOf(answer);
    const expected = await listed(query, acme);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson');
    expect(events).toEqual(expected);
    const seqs = expected.map(({ seq }) => Number(seq));
    const body = answer.text.slice(0, answer.text.lastIndexOf('\n', answer.text.length - 2) + 1);
    expect(manifest).toEqual({
      export_id: answer.headers.get('docket-export-id'),
      tenant_id: 'acme',
      format: 'ndjson',
      state: 'complete',
      started_at: expect.any(String),
      ended_at: expect.any(String),
      through_seq: 413,
      count: expected.length,
      ...(seqs.length === 0 ? {} : { first_seq: Math.min(...seqs), last_seq: Math.max(...seqs) }),
      bytes: Buffer.byteLength(body),
      sha256: createHash('sha256').update(body).digest('hex'),
    });
  });

  test('of an operator has what could not be read, without its bytes', async () => {
    await world.store([{ tenant_id: 'mixed', seq: 1, status: 'quarantined', action: '', raw: Buffer.from('SECRET') }]);
    const query = 'tenant_id=mixed&status=quarantined';
    const answer = await exported(query, world.key('*'));
    expect(linesOf(answer).events).toEqual(await listed(query, world.key('*')));
    expect(linesOf(answer).events).toHaveLength(1);
    expect(answer.text).not.toContain('SECRET');
  });

  test('I5: of a user has no seq and no counter, and whereabouts of own actions only', async () => {
    const viewer = await world.viewer(acme, user);
    const answer = await exported('', viewer);
    const { events, manifest } = linesOf(answer);
    expect(events.length).toBeGreaterThan(5);
    expect(events).toEqual(await listed('', viewer));
    expect(answer.text).not.toMatch(/"seq"|_redrive_of/);
    expect((await exported('', acme)).text).toContain('"_redrive_of":"17"');
    expect(Object.keys(manifest)).not.toContain('through_seq');
  });
});

describe('columns', () => {
  test('CSV is RFC 4180 with a header, and its rows are the events', async () => {
    const answer = await exported('format=csv', acme);
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    const [header = [], ...rows] = readCsv(answer.text);
    expect(header.slice(0, 4)).toEqual(['id', 'seq', 'occurred_at', 'received_at']);
    const events = await listed('', acme);
    const column = (name: string): string[] => rows.map((row) => row[header.indexOf(name)] ?? 'missing');
    expect(column('id')).toEqual(events.map(({ id }) => id));
    expect(column('occurred_at')).toEqual(events.map((event) => event.occurred_at));
    expect(column('metadata').map((text) => JSON.parse(text) as unknown)).toEqual(
      events.map((event) => event['metadata'] ?? {}),
    );
    expect(column('resources').map((text) => JSON.parse(text) as unknown)).toEqual(
      events.map((event) => event['resources'] ?? []),
    );
    expect(column('changes').map((text) => JSON.parse(text) as unknown)).toEqual(
      events.map((event) => event['changes'] ?? []),
    );
    const unguarded = (text: string): string => text.replace(/^'(?=[=+\-@\t\r\n])/, '');
    expect(column('description').map(unguarded)).toEqual(events.map((event) => event['description'] ?? ''));
    expect(rows.every((row) => row.length === header.length)).toBe(true);
  });

  test('no cell of a CSV begins a formula', async () => {
    const [, ...rows] = readCsv((await exported('format=csv', acme)).text);
    const cells = rows.flat();
    expect(cells.filter((cell) => /^[=+\-@\t\r\n]/.test(cell))).toEqual([]);
    for (const guarded of ["'=HYPERLINK", "'+1", "'-2", "'@x", "'\t=1", "'\r=1", "'\n=1"]) {
      expect(cells.some((cell) => cell.startsWith(guarded))).toBe(true);
    }
    expect(cells).toContain("'quoted");
  });

  test('a filter on a column that is written otherwise finds what it finds elsewhere', async () => {
    for (const query of ['actor_id=-2', 'request_id=@x', 'q=status:conflict', 'since=1900-01-01T00:00:00Z']) {
      const [, ...rows] = readCsv((await exported(`format=csv&${query}`, acme)).text);
      const events = await listed(query, acme);
      expect(events.length).toBeGreaterThan(0);
      expect(rows.map(([id]) => id)).toEqual(events.map(({ id }) => id));
    }
  });

  test('Parquet has typed columns and the same events', async () => {
    const { bytes, headers } = await exported('format=parquet', acme);
    expect(headers.get('content-type')).toBe('application/vnd.apache.parquet');
    const events = await listed('', acme);
    const rows = await readParquet(world.clickhouse, bytes);
    expect(rows.map(({ id }) => id)).toEqual(events.map(({ id }) => id));
    expect(rows.map(({ seq }) => seq)).toEqual(events.map(({ seq }) => seq));
    expect(rows.map(({ metadata }) => metadata)).toEqual(events.map((event) => event['metadata'] ?? {}));
    expect(rows.map(({ occurred_at_us: micros }) => micros)).toEqual(
      events.map(({ occurred_at: at }) => Date.parse(`${at.slice(0, 23)}Z`) * 1_000 + Number(at.slice(23, 26))),
    );
    expect(rows.map(({ resources }) => resources.map(({ id }) => id))).toEqual(
      events.map((event) => ((event['resources'] ?? []) as { id: string }[]).map(({ id }) => id)),
    );
    expect(await exportedTypes(world.clickhouse, bytes)).toMatchObject({
      id: 'String',
      seq: 'UInt64',
      occurred_at: "DateTime64(6, 'UTC')",
      received_at: "DateTime64(3, 'UTC')",
      status: 'String',
      metadata: 'Map(String, String)',
    });
  });

  test('a file without an event has its columns', async () => {
    const none = 'actor_id=nobody';
    expect(await listed(none, acme)).toEqual([]);
    const [header, ...rows] = readCsv((await exported(`format=csv&${none}`, acme)).text);
    expect(header).toContain('occurred_at');
    expect(rows).toEqual([]);
    const parquet = await exported(`format=parquet&${none}`, acme);
    expect(await exportedTypes(world.clickhouse, parquet.bytes)).toMatchObject({ id: 'String', seq: 'UInt64' });
  });

  test('I5: columns of a user are what the view shows', async () => {
    const viewer = await world.viewer(acme, user);
    const events = await listed('', viewer);
    const [header = [], ...rows] = readCsv((await exported('format=csv', viewer)).text);
    expect(header).not.toContain('seq');
    expect(header).not.toContain('service_counter');
    const ips = rows.map((row) => row[header.indexOf('ip')]);
    expect(ips).toEqual(events.map((event) => (event['context'] as { ip?: string } | undefined)?.ip ?? ''));
    const parquet = await readParquet(world.clickhouse, (await exported('format=parquet', viewer)).bytes);
    expect(parquet.map(({ id }) => id)).toEqual(events.map(({ id }) => id));
    expect(parquet.map(({ ip }) => ip)).toEqual(ips);
    const metadata = events.map((event) => event['metadata'] ?? {});
    expect(rows.map((row) => JSON.parse(row[header.indexOf('metadata')] ?? '') as unknown)).toEqual(metadata);
    expect(parquet.map((row) => row.metadata)).toEqual(metadata);
    expect(JSON.stringify(metadata)).not.toContain('_redrive_of');
  });
});

describe('the record of an export', () => {
  test.each(['ndjson', 'csv', 'parquet'])('says what a whole one came to: %s', async (format) => {
    const answer = await exported(`format=${format}`, acme);
    const id = answer.headers.get('docket-export-id') ?? '';
    const record = await world.get(`/v1/exports/${id}`, acme);
    expect(record.body).toMatchObject({
      export_id: id,
      format,
      state: 'complete',
      count: (await listed('', acme)).length,
      through_seq: 413,
    });
    const body = answer.bytes.subarray(0, Number(record.body['bytes']));
    expect(createHash('sha256').update(body).digest('hex')).toBe(record.body['sha256']);
    if (format !== 'ndjson') expect(answer.bytes).toHaveLength(Number(record.body['bytes']));
  });

  test('I5: is not there for another tenant, nor for users beside the one who made it', async () => {
    const viewer = await world.viewer(acme, user);
    const [ofKey = null, ofUser = null] = await Promise.all(
      [acme, viewer].map(async (credential) => {
        const answer = await eventually(
          async () => {
            const tried = await exported('', credential);
            return tried.status === 200 ? tried : undefined;
          },
          { what: 'a place' },
        );
        return answer.headers.get('docket-export-id');
      }),
    );
    const statusOf = async (id: string | null, credential?: string) =>
      (await world.get(`/v1/exports/${id}`, credential)).status;
    expect(await statusOf(ofKey, acme)).toBe(200);
    expect(await statusOf(ofKey, world.key(['globex']))).toBe(404);
    expect(await statusOf(ofKey, world.key('*'))).toBe(400);
    expect(await statusOf(ofKey)).toBe(401);
    expect(await statusOf(ofKey, viewer)).toBe(404);
    expect(await statusOf(ofUser, viewer)).toBe(200);
    expect(await statusOf(ofUser, await world.viewer(acme, user))).toBe(404);
    expect((await world.get(`/v1/exports/${ofUser}`, viewer)).body).not.toHaveProperty('through_seq');
    expect(await statusOf('nonsense', acme)).toBe(404);
  });
});

describe('I5: the user that writes down what was exported', () => {
  test('reads no log, and of exports those of the tenant that the header names', async () => {
    await exported('', acme);
    const { records } = world;
    for (const table of ['audit_events', 'events', 'log_heads', 'delivery_attempts']) {
      await expect(records.query(`SELECT * FROM ${table}`)).rejects.toMatchObject({ code: 497 });
    }
    for (const sql of ['DROP TABLE exports', 'ALTER TABLE exports DELETE WHERE 1', 'TRUNCATE TABLE export_claims']) {
      await expect(records.command(sql)).rejects.toMatchObject({ code: 497 });
    }
    const seen = (headers: Readonly<Record<string, string>>) =>
      records.query('SELECT DISTINCT tenant_id FROM exports', {}, { headers });
    expect(await seen({})).toEqual([]);
    expect(await seen(tenantLock('globex'))).toEqual([]);
    expect(await seen(tenantLock('acme'))).toEqual([{ tenant_id: 'acme' }]);
  });
});

describe('a ticket', () => {
  async function ticket(query: string, credential: string): Promise<{ url: string; expiresAt: string }> {
    const { status, body } = await world.post(`/v1/exports?${query}`, credential, undefined);
    expect(status).toBe(201);
    return { url: String(body['url']), expiresAt: String(body['expires_at']) };
  }
  const query = (url: string): string => url.slice('/v1/export?'.length);

  test('is good for exactly its export, without a credential, and once', async () => {
    const { url, expiresAt } = await ticket('format=csv&outcome=success', acme);
    expect(Date.parse(expiresAt) - Date.now()).toBeLessThanOrEqual(60_000);
    const answer = await exported(query(url));
    expect(answer.status).toBe(200);
    expect(
      readCsv(answer.text)
        .slice(1)
        .map(([id]) => id),
    ).toEqual((await listed('outcome=success', acme)).map(({ id }) => id));
    const again = await exported(query(url));
    expect([again.status, JSON.parse(again.text)]).toEqual([401, expect.objectContaining({ code: 'unauthenticated' })]);
  });

  test('of twenty uses at once one is answered', async () => {
    const wide = await createQueryWorld({ exports: { exportConcurrencyMax: 50, exportKeyConcurrencyMax: 50 } });
    try {
      const { body } = await wide.post('/v1/exports', wide.key(['acme']), undefined);
      const uses = Array.from({ length: 20 }, async () => {
        const response = await fetch(`${wide.url}${String(body['url'])}`);
        await response.arrayBuffer();
        return response.status;
      });
      const statuses = await Promise.all(uses);
      expect(statuses.filter((status) => status === 200)).toHaveLength(1);
      // 429: more at once than the reads of a tenant may be.
      expect(statuses.every((status) => [200, 401, 429].includes(status))).toBe(true);
      expect(statuses).toContain(401);
    } finally {
      await wide.close();
    }
  });

  test('keeps the view of who asked for it', async () => {
    const viewer = await world.viewer(acme, user);
    const { url } = await ticket('', viewer);
    expect(linesOf(await exported(query(url))).events).toEqual(await listed('', viewer));
  });

  test('says nothing, takes no parameter beside it, and dies with its key', async () => {
    const key = world.key(['acme']);
    const { url } = await ticket('q=actor:secret-name', key);
    expect(Buffer.from(query(url), 'base64url').toString('latin1')).not.toContain('secret');
    expect((await exported(`${query(url)}&tenant_id=globex`)).status).toBe(400);
    expect((await exported(`${query(url).slice(0, -2)}AA`)).status).toBe(401);
    world.changeKey(key, { revoked_at: '2026-11-02T00:00:00.000Z' });
    expect((await exported(query(url))).status).toBe(401);
  });

  test.each([
    ['', undefined, 401],
    ['format=xlsx', 'acme', 400],
    ['tenant_id=globex', 'acme', 403],
  ])('is refused: %s', async (asked, who, status) => {
    const response = await fetch(`${world.url}/v1/exports?${asked}`, {
      method: 'POST',
      headers: who === undefined ? {} : { authorization: acme },
    });
    expect(response.status).toBe(status);
  });
});

describe('errors come before the first byte', () => {
  test.each([
    ['', 401],
    ['format=xlsx', 400],
    ['limit=5', 400],
    ['q=(', 400],
    ['tenant_id=globex', 403],
  ])('%s is %i', async (query, status) => {
    const answer = await exported(query, status === 401 ? undefined : acme);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('content-disposition')).toBeNull();
  });

  test('HEAD makes no export', async () => {
    const response = await fetch(`${world.url}/v1/export`, { method: 'HEAD', headers: { authorization: acme } });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET']);
  });
});
