import { get } from 'node:http';
import { newEventId, type EventRow } from '@docket/event';
import { eventually } from '@docket/testkit';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openEventStream } from './event-stream.ts';
import { largeContent } from './large-rows.ts';
import { createQueryWorld, type QueryWorld } from './query-world.ts';

const mebibyte = 1024 * 1024;
/** Each a quarter of a mebibyte. */
const count = 100;
const allSeqs = Array.from({ length: count }, (_, index) => index + 1);

let world: QueryWorld;
beforeAll(async () => {
  world = await createQueryWorld();
  const content = largeContent();
  const store = (of: (seq: number) => Partial<EventRow>) => world.store(allSeqs.map((seq) => ({ seq, ...of(seq) })));
  const at = (seq: number): number => (Date.UTC(2026, 10, 1) + seq * 1_000) * 1_000;
  await store((seq) => ({ ...content, tenant_id: 'large', occurred_at: at(seq) }));
  const id = newEventId();
  await store(() => ({ ...content, tenant_id: 'repeated', id }));
  const raw = Buffer.alloc(180_000, 'r');
  await store((seq) => ({ tenant_id: 'broken', status: 'quarantined', raw, received_at: at(seq) / 1_000 }));
  await world.store([
    { tenant_id: 'broken', seq: count + 1, status: 'quarantined', raw: Buffer.alloc(7 * mebibyte, 'r') },
  ]);
  await world.store([{ tenant_id: 'small', seq: 1 }]);
}, 60_000);
afterAll(() => world.close());

const heldBytes = (): Promise<number> => world.metric('docket_query_answer_bytes');

/** The seqs of each page of a list, followed to its end. */
async function pagesOf(path: string, key: string): Promise<number[][]> {
  const pages: number[][] = [];
  let cursor = '';
  do {
    const { status, body, headers } = await world.get(`${path}${cursor}`, key);
    expect(status).toBe(200);
    pages.push((body.data ?? []).map(({ seq }) => Number(seq)));
    const next = body['next_cursor'];
    expect(headers.has('link')).toBe(next !== null);
    cursor = typeof next === 'string' ? `&cursor=${encodeURIComponent(next)}` : '';
  } while (cursor !== '');
  return pages;
}

describe('a page of large rows', () => {
  test.each([
    ['of events', '/v1/events?limit=1000&tenant_id=large'],
    ['of events at one place, whose order is that of seq', '/v1/events?limit=1000&tenant_id=repeated'],
    ['of a quarantine', '/v1/quarantine?limit=1000&tenant_id=broken'],
    ['of the quarantine of all logs', '/v1/quarantine?limit=1000&tenant_id=*'],
  ])(
    '%s ends early, and its cursor goes on: nothing is missing, nothing comes twice',
    async (_, path) => {
      const pages = await pagesOf(path, world.key('*'));
      const seqs = path.includes('quarantine') ? [...allSeqs, count + 1] : allSeqs;
      expect(pages.flat()).toEqual(path.includes('=*') ? expect.arrayContaining(seqs) : seqs.toReversed());
      expect(pages.flat()).toHaveLength(seqs.length);
      // 8 MiB each, or one row of more; of a place with more than that, a row.
      expect(Math.max(...pages.map((page) => page.length))).toBeLessThanOrEqual(40);
      expect(pages.length).toBeLessThanOrEqual(path.includes('repeated') ? count : 6);
      await eventually(async () => (await heldBytes()) === 0, { what: 'all bytes given back' });
    },
    60_000,
  );

  test('of a feed ends early, and next_after goes on', async () => {
    const key = world.key(['large']);
    const seqs: unknown[] = [];
    let pages = 0;
    for (let after = 0; after < count; pages += 1) {
      const { status, body } = await world.get(`/v1/feed?after=${after}&limit=1000`, key);
      expect([status, body['complete_through']]).toEqual([200, count]);
      seqs.push(...(body.data ?? []).map(({ seq }) => seq));
      after = Number(body['next_after']);
    }
    expect(seqs).toEqual(allSeqs);
    expect(pages).toBeLessThanOrEqual(4);
  }, 60_000);

  test('of a tail is followed by the next one at once', async () => {
    const stream = await openEventStream(`${world.url}/v1/tail?after=0`, { authorization: world.key(['large']) });
    try {
      await eventually(() => stream.actions().length === count, { what: 'all events', deadlineMs: 20_000 });
      expect(stream.messages.filter(({ event }) => event === 'message').map(({ id }) => Number(id))).toEqual(allSeqs);
    } finally {
      stream.close();
    }
    await eventually(async () => (await heldBytes()) === 0, { what: 'all bytes given back' });
  }, 60_000);

  test('the rows of one id end early, too, the lowest seq first', async () => {
    const { body } = await world.get('/v1/events?limit=1&tenant_id=repeated', world.key('*'));
    const id = String(body.data?.[0]?.['id']);
    const { status, body: event } = await world.get(`/v1/events/${id}?tenant_id=repeated`, world.key('*'));
    const others = Array.isArray(event['occurrences']) ? event['occurrences'] : [];
    expect([status, event['seq']]).toEqual([200, 1]);
    expect(others.map(({ seq }) => seq)).toEqual(allSeqs.slice(1, others.length + 1));
    expect(others.length).toBeGreaterThan(20);
    expect(others.length).toBeLessThan(40);
  });
});

describe('bytes of answers under way', () => {
  test('I7: who takes nothing of what he asked for has half of them at most, and takes nothing from others', async () => {
    const key = world.key(['large']);
    const paused: (() => void)[] = [];
    try {
      for (let open = 0; open < 12; open += 1) paused.push(await startPaused(`${world.url}/v1/events?limit=1000`, key));
      const held = await heldBytes();
      expect(held).toBeGreaterThan(8 * mebibyte);
      expect(held).toBeLessThanOrEqual(32 * mebibyte);
      expect((await world.get('/v1/events', world.key(['small']))).status).toBe(200);
      const { body: whole } = await world.get('/v1/feed?after=0&limit=1000', world.key(['repeated']));
      expect(whole.data?.length).toBeGreaterThan(20);
      // His own next pages are short.
      const { status, body } = await world.get('/v1/events?limit=1000', key);
      expect([status, body.data?.length]).toEqual([200, expect.any(Number)]);
      expect(body.data?.length).toBeLessThan(10);
    } finally {
      for (const leave of paused) leave();
    }
    await eventually(async () => (await heldBytes()) === 0, { what: 'all bytes given back' });
    expect((await world.get('/v1/events?limit=10', key)).status).toBe(200);
  }, 60_000);
});

/** A request whose answer is not read. */
function startPaused(url: string, authorization: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const request = get(url, { headers: { authorization }, agent: false });
    request.on('response', () => resolve(() => request.destroy())).on('error', reject);
  });
}
