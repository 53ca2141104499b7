import { eventually } from '@docket/testkit';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createQueryWorld, type QueryWorld } from './query-world.ts';
import { slowly, slowReadsIn } from './slowed-reads.ts';

const dayMs = 86_400_000;
const daysAgo = (days: number): string => new Date(Date.now() - days * dayMs + 60_000).toISOString();

/** What a search may be asked of, over a range. */
const searches = ['/v1/events?', '/v1/events/histogram?', '/v1/events/facets?field=action&', '/v1/export?'];

describe('the range of a search', () => {
  let limited: QueryWorld;
  let acme: string;
  beforeAll(async () => {
    limited = await createQueryWorld({ rangeDaysMax: 7, exports: { exportRangeDaysMax: 7 } });
    acme = limited.key(['acme']);
  });
  afterAll(() => limited.close());

  const statusOf = async (path: string): Promise<number> => {
    const response = await fetch(`${limited.url}${path}`, { headers: { authorization: acme } });
    await response.arrayBuffer();
    return response.status;
  };

  test.each(searches)('is refused where it is longer than the limit, or has no beginning: %s', async (path) => {
    for (const range of ['', `since=${daysAgo(8)}`, `since=${daysAgo(30)}&until=${daysAgo(22)}`, 'q=since:-8d']) {
      const { status, body } = await limited.get(`${path}${range}`, acme);
      expect([range, status, body['code']]).toEqual([range, 400, 'invalid_request']);
      expect(JSON.stringify(body['errors'])).toContain('7 days');
    }
  });

  test.each(searches)('is taken up to the limit: %s', async (path) => {
    for (const range of [`since=${daysAgo(7)}`, `since=${daysAgo(29)}&until=${daysAgo(22)}`])
      expect([range, await statusOf(`${path}${range}`)]).toEqual([range, 200]);
  });

  test('does not bound what is read by its place: a feed, one event', async () => {
    expect((await limited.get('/v1/feed', acme)).status).toBe(200);
    expect((await limited.get('/v1/events/0199f3c2-0000-7000-8000-00000000000b', acme)).status).toBe(404);
  });
});

describe('the size of a page', () => {
  let world: QueryWorld;
  beforeAll(async () => void (world = await createQueryWorld()));
  afterAll(() => world.close());

  test.each([
    ['/v1/events?', 1_000],
    ['/v1/feed?', 1_000],
    ['/v1/quarantine?', 1_000],
    ['/v1/quarantine?tenant_id=*&', 1_000],
    ['/v1/events/facets?field=action&', 100],
  ])('%s takes 1 to %i', async (path, max) => {
    const whose = path.includes('*') ? '' : 'tenant_id=acme&';
    for (const [limit, expected] of [[0, 400], [1, 200], [max, 200], [max + 1, 400], [-1, 400], ['1e2', 400]] as const) {
      const { status } = await world.get(`${path}${whose}limit=${limit}`, world.key('*'));
      expect([limit, status]).toEqual([limit, expected]);
    }
  }); // prettier-ignore

  test('facets count five fields at most', async () => {
    const fields = (count: number): string =>
      ['action', 'actor_id', 'outcome', 'service', 'severity', 'category'].slice(0, count).join('&field=');
    const acme = world.key(['acme']);
    expect((await world.get(`/v1/events/facets?field=${fields(5)}`, acme)).status).toBe(200);
    expect((await world.get(`/v1/events/facets?field=${fields(6)}`, acme)).status).toBe(400);
  });
});

describe('the time of a read', () => {
  let short: QueryWorld;
  beforeAll(async () => {
    short = await createQueryWorld({ disturb: slowly, timeoutMs: 1_000 });
    await short.store(Array.from({ length: 20 }, (_, index) => ({ seq: index + 1 })));
  });
  afterAll(() => short.close());

  test.each([
    '/v1/events',
    '/v1/events/histogram',
    '/v1/events/facets?field=action',
    '/v1/feed',
    '/v1/ledger?since=2026-10-31T00:00:00Z&until=2026-11-02T00:00:00Z',
  ])('ends in ClickHouse, and the caller is told to ask for less: %s', async (path) => {
    const { status, body } = await short.get(path, short.key(['acme']));
    expect([status, body['code']]).toEqual([422, 'query_too_expensive']);
    await eventually(async () => (await slowReadsIn(short)) === 0, { what: 'the end of the read' });
    expect(await short.metric('docket_query_reads_in_flight')).toBe(0);
  });
});

describe('reads at once', () => {
  let slow: QueryWorld;
  beforeAll(async () => {
    slow = await createQueryWorld({ disturb: slowly, timeoutMs: 60_000 });
    for (const log of ['acme', 'globex', 'initech'])
      await slow.store(Array.from({ length: 20 }, (_, index) => ({ tenant_id: log, seq: index + 1 })));
    await slow.store([{ tenant_id: 'quick', seq: 1 }]);
  });
  afterAll(() => slow.close());

  test('I7: a key and a tenant have four, are told so beyond, and take nothing from others', async () => {
    const leaving = new AbortController();
    const [acme, operator] = [slow.key(['acme']), slow.key('*')];
    const asked = [
      ...Array.from({ length: 4 }, () => slow.get('/v1/events', acme, leaving.signal)),
      ...['globex', 'globex', 'initech', 'initech'].map((log) =>
        slow.get(`/v1/events?tenant_id=${log}`, operator, leaving.signal),
      ),
    ];
    const ends = Promise.allSettled(asked);
    await eventually(async () => (await slowReadsIn(slow)) === 8, { what: 'eight reads' });
    // The key, the tenant with another key, and the operator's key with another tenant.
    for (const [path, key] of [
      ['/v1/events', acme],
      ['/v1/feed', acme],
      ['/v1/events', slow.key(['acme'])],
      ['/v1/events?tenant_id=quick', operator],
    ] as const) {
      const { status, body, headers } = await slow.get(path, key);
      expect([status, body['code']]).toEqual([429, 'rate_limited']);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect((await slow.get('/v1/events', slow.key(['quick']))).status).toBe(200);
    leaving.abort();
    await ends;
    await eventually(async () => (await slowReadsIn(slow)) === 0, { what: 'the end of the reads', deadlineMs: 20_000 });
    expect(await slow.metric('docket_query_reads_in_flight')).toBe(0);
    expect((await slow.get('/v1/events?tenant_id=quick', operator)).status).toBe(200);
  }, 60_000);
});
