import { eventually } from '@docket/testkit';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createQueryWorld, type QueryWorld } from './query-world.ts';
import { slowly, slowReadsIn } from './slowed-reads.ts';

let world: QueryWorld;
let acme: string;

beforeAll(async () => {
  world = await createQueryWorld();
  acme = world.key(['acme']);
  await world.store([
    { seq: 1, action: 'user.created', description: "Robert'); DROP TABLE audit_events; --" },
    { seq: 2, action: 'user.deleted', actor_id: '{p0:String}' },
    { seq: 3, action: 'user.listed', tenant_id: 'globex', description: 'FOREIGN-MARKER' },
  ]);
});
afterAll(() => world.close());

const encode = (q: string): string => `q=${encodeURIComponent(q)}`;

/** All that a search can be asked of. */
const endpoints = ['/v1/events?', '/v1/events/facets?field=action&', '/v1/events/histogram?', '/v1/feed?'];

/** Reads that have gone to ClickHouse. */
async function reads(): Promise<number> {
  const kinds = ['list', 'facets', 'histogram', 'feed', 'bounds'];
  const counts = await Promise.all(
    kinds.map((kind) => world.metric(`docket_query_read_seconds_count{kind="${kind}"}`)),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

describe('a hostile q that is refused costs no read', () => {
  test.each([
    ['nests beyond the limit', encode(`${'('.repeat(17)}a${')'.repeat(17)}`)],
    ['nests four thousand deep', encode('('.repeat(4_000))],
    ['negates and nests', encode('-('.repeat(1_300))],
    ['is longer than the limit', encode('a'.repeat(4_097))],
    ['has more terms than the limit', encode(Array.from({ length: 65 }, (_, index) => `a${index}`).join(' OR '))],
    [
      'has more words in one text than the limit',
      encode(`"${Array.from({ length: 33 }, (_, index) => `a${index}`).join(' ')}"`),
    ],
    ['never closes its quote', encode('actor:"u_1')],
    ['closes what it did not open', encode('a ) OR (tenant_id:globex')],
    ['names the tenant', encode('tenant_id:globex')],
    ['names a column that is no field', encode('src_offset:1')],
    ['names an operators’ status', encode('status:quarantined')],
    ['has a wildcard at the beginning', encode('actor:*u')],
    ['has a block that is none', encode('ip:203.0.113.0/999')],
    ['has a time that is none', encode('since:9999999999999999999')],
    ['stands twice', `${encode('a')}&${encode('b')}`],
    ['has a parameter fifty-one times', Array.from({ length: 51 }, () => 'actor_id=a').join('&')],
    [
      'asks for more keys of metadata than an event has',
      Array.from({ length: 65 }, (_, index) => `metadata.k${index}=a`).join('&'),
    ],
    ['names a prototype', encode('__proto__:x')],
    ['ends in a comment', encode("a' OR 1=1 --")],
    ['is a quote', encode("' OR 1=1")],
  ])('%s', async (_, query) => {
    const before = await reads();
    for (const endpoint of endpoints) {
      if (endpoint.startsWith('/v1/feed') && /^(actor_id|metadata)/.test(query)) continue;
      const { status, body } = await world.get(`${endpoint}${query}`, acme);
      expect([status, body['code']]).toEqual([400, 'invalid_request']);
      expect(JSON.stringify(body).length).toBeLessThan(20_000);
    }
    expect(await reads()).toBe(before);
  });
});

describe('a hostile q that is handled finds what it says and nothing else', () => {
  test.each([
    ['SQL in quotes', 'actor:"\' OR tenant_id = \'globex"', 0],
    ['a placeholder', 'actor:"{p0:String}"', 1],
    ['a backslash', 'actor:"\\\\"', 0],
    ['words of SQL', '"DROP TABLE audit_events"', 1],
    ['a NUL', 'actor:"\u0000"', 0],
    ['control characters', 'actor:"\t\r\n%00"', 0],
    ['what turns the direction of text', 'actor:"\u202e\ufeff\u200b"', 0],
    ['three hundred emojis', `actor:"${'😀'.repeat(300)}"`, 0],
    ['parentheses up to the limit', `${'('.repeat(16)}user${')'.repeat(16)}`, 2],
    ['three thousand negations', `user ${'-'.repeat(3_001)}nothing`, 2],
    [
      'terms up to the limit',
      Array.from({ length: 64 }, (_, index) => (index === 0 ? 'created' : `a${index}`)).join(' OR '),
      1,
    ],
    ['negated blocks', Array.from({ length: 64 }, (_, index) => `-ip:10.${index}.0.0/16`).join(' '), 2],
    ['words of another tenant', 'FOREIGN-MARKER', 0],
  ])('%s', async (_, q, found) => {
    const { status, body } = await world.get(`/v1/events?${encode(q)}`, acme);
    expect([status, body.data?.length]).toEqual([200, found]);
    expect(JSON.stringify(body)).not.toContain('FOREIGN-MARKER');
  });
});

test('as many keys of metadata as an event has may be asked for', async () => {
  const query = Array.from({ length: 64 }, (_, index) => `metadata.k${index}=a`).join('&');
  for (const endpoint of endpoints.filter((path) => !path.startsWith('/v1/feed'))) {
    expect((await world.get(`${endpoint}${query}`, acme)).status).toBe(200);
  }
});

test('a search that a view makes too long for ClickHouse is told so, and is no error of ours', async () => {
  const actor = (index: number) => ({ actor: { type: 'user', id: `u_${index}` } });
  const viewer = await world.viewer(acme, { view: 'user', any_of: Array.from({ length: 32 }, (_, at) => actor(at)) });
  // What is hidden of others' actions is asked for with the conditions of all 32, each time.
  const q = encode(Array.from({ length: 64 }, (_, index) => `-session_id:a${index}*`).join(' '));
  const before = await reads();
  const refused = await Promise.all(
    ['/v1/events/facets?field=action&field=outcome&field=service&', '/v1/events/histogram?by=action&'].map((path) =>
      world.get(`${path}${q}`, viewer),
    ),
  );
  expect(refused.map(({ status, body }) => [status, body['code']])).toEqual([
    [422, 'query_too_expensive'],
    [422, 'query_too_expensive'],
  ]);
  expect(await reads()).toBe(before + 2);
  expect((await world.get(`/v1/events/facets?field=action&${encode('-session_id:a*')}`, viewer)).status).toBe(200);
});

describe('a caller who goes away', () => {
  let slow: QueryWorld;
  beforeAll(async () => {
    slow = await createQueryWorld({ disturb: slowly, timeoutMs: 60_000 });
    await slow.store(Array.from({ length: 200 }, (_, index) => ({ seq: index + 1 })));
  });
  afterAll(() => slow.close());

  test.each([...endpoints, '/v1/events/0199f3c2-0000-7000-8000-00000000000b?wait=20&'])(
    'leaves no query in ClickHouse: %s',
    async (path) => {
      const leaving = new AbortController();
      const answer = slow.get(path.slice(0, -1), slow.key(['acme']), leaving.signal);
      await eventually(async () => (await slowReadsIn(slow)) === 1, { what: 'the query runs' });
      leaving.abort();
      await expect(answer).rejects.toThrow('aborted');
      await eventually(async () => (await slowReadsIn(slow)) === 0, {
        what: 'the end of the query',
        deadlineMs: 5_000,
      });
      await eventually(async () => (await slow.metric('docket_query_reads_in_flight')) === 0, { what: 'a free place' });
    },
  );
});
