import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { eventStatuses, rowOfEvent, type EventRow } from '@docket/event';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { codeBlocks } from '../../../test/docs/code-blocks-mapper.ts';
import { createChance } from '../../../packages/event/test/event-maker.ts';
import { loggedFrom } from '../../../packages/event/test/search/search-maker.ts';
import { createQueryWorld, type QueryWorld } from './query-world.ts';

let world: QueryWorld;
let acme: string;
const rows: EventRow[] = [];
const dayMs = Date.UTC(2026, 10, 5);
const range = 'since=2026-11-05T00:00:00Z&until=2026-11-06T00:00:00Z';

beforeAll(async () => {
  world = await createQueryWorld();
  acme = world.key(['acme']);
  const chance = createChance(23);
  const place = { generation: 1, partition: 0, schemaId: 1, statusDetail: '' };
  for (const tenant of ['acme', 'globex']) {
    let receivedAtMs = dayMs - 3_600_000;
    for (let seq = 1; seq <= 300; seq++) {
      receivedAtMs += chance.upTo(600_000);
      const { event, status } = loggedFrom(chance, tenant, seq);
      rows.push(rowOfEvent(event, { ...place, log: tenant, offset: seq, seq, status, receivedAtMs }, 0n));
    }
  }
  await world.store(rows);
});
afterAll(() => world.close());

interface Bucket {
  readonly at: string;
  readonly until: string;
  readonly statuses: Readonly<Record<string, number>>;
  readonly first_seq?: number;
  readonly last_seq?: number;
  readonly digest: string;
  readonly is_final: boolean;
}

async function ledger(query: string, key = acme): Promise<{ body: Record<string, unknown>; buckets: Bucket[] }> {
  const { status, body } = await world.get(`/v1/ledger?${query}`, key);
  expect(status).toBe(200);
  // The tests' own reading of an answer.
  return { body, buckets: body['buckets'] as Bucket[] };
}

interface Held {
  readonly seq: number;
  readonly id: string;
  readonly received_at: string;
}

/** What a receiver of the whole log holds. */
async function held(): Promise<Held[]> {
  const events: Held[] = [];
  for (let after = 0; ;) {
    const { body } = await world.get(`/v1/feed?after=${after}&limit=1000`, acme);
    events.push(...((body.data ?? []) as unknown as Held[]));
    if (body['next_after'] === after) return events;
    after = Number(body['next_after']);
  }
}

/** The digest as docs/ledger.md describes it, made without anything of Docket. */
function digest(events: readonly Held[]): string {
  let sum = 0n;
  for (const { seq, id } of events) sum += BigInt(`0x${createHash('sha256').update(`${seq}:${id}`).digest('hex')}`);
  return (sum % 2n ** 256n).toString(16).padStart(64, '0');
}

test.each(['1h', '15m', '1d', ''])('each bucket agrees with what a receiver of the log holds: %s', async (width) => {
  const events = await held();
  const { body, buckets } = await ledger(`${range}${width === '' ? '' : `&bucket=${width}`}`);
  expect(buckets.length).toBe({ '1h': 24, '15m': 96, '1d': 1 }[width] ?? 96);
  for (const bucket of buckets) {
    const own = events.filter(({ received_at: at }) => {
      const ms = Date.parse(at);
      return ms >= Date.parse(bucket.at) && ms < Date.parse(bucket.until);
    });
    expect(bucket.digest).toBe(digest(own));
    expect((bucket.statuses['accepted'] ?? 0) + (bucket.statuses['conflict'] ?? 0)).toBe(own.length);
    for (const { seq } of own) {
      expect(seq).toBeGreaterThanOrEqual(bucket.first_seq ?? Number.NaN);
      expect(seq).toBeLessThanOrEqual(bucket.last_seq ?? Number.NaN);
    }
  }
  expect(body).toMatchObject({ complete_through: 300, first_seq: 1 });
  const inRange = events.filter(
    ({ received_at: at }) => Date.parse(at) >= dayMs && Date.parse(at) < dayMs + 86_400_000,
  );
  expect(body['digest']).toBe(digest(inRange));
  expect(inRange.length).toBeGreaterThan(100);
});

test('rows of every status are counted, so that a difference of seqs is explained', async () => {
  const { body } = await ledger('since=2026-10-01T00:00:00Z&until=2026-12-01T00:00:00Z&bucket=1d');
  const statuses = body['statuses'] as Record<string, number>;
  for (const status of eventStatuses) {
    const own = rows.filter((row) => row.tenant_id === 'acme' && row.status === status);
    expect([status, statuses[status]]).toEqual([status, own.length]);
    expect(own.length).toBeGreaterThan(0);
  }
});

test('a bucket is final when the log goes on behind it', async () => {
  await world.store([
    { tenant_id: 'open', seq: 1, received_at: dayMs + 1_000 },
    { tenant_id: 'open', seq: 2, received_at: dayMs + 7_200_000 },
  ]);
  const key = world.key(['open']);
  const { buckets } = await ledger(`${range}&bucket=1h`, key);
  expect(buckets.map(({ is_final: isFinal }) => isFinal)).toEqual([
    true,
    true,
    ...Array.from({ length: 22 }, () => false),
  ]);
  await world.store([{ tenant_id: 'open', seq: 3, received_at: dayMs + 86_400_000 }]);
  const later = await ledger(`${range}&bucket=1h`, key);
  expect(later.buckets.every(({ is_final: isFinal }) => isFinal)).toBe(true);
});

test('the range cuts the first and the last bucket, to the millisecond', async () => {
  await world.store(
    [0, 1, 59_999, 60_000, 60_001].map((ms, index) => ({ tenant_id: 'cut', seq: index + 1, received_at: dayMs + ms })),
  );
  const { buckets } = await ledger(
    'since=2026-11-05T00:00:00.001Z&until=2026-11-05T00:01:00.001Z&bucket=1m',
    world.key(['cut']),
  );
  expect(buckets.map(({ first_seq: first, last_seq: last }) => [first, last])).toEqual([[2, 3], [4, 4]]); // prettier-ignore
});

describe('I5', () => {
  test('no ledger counts a row of another tenant', async () => {
    expect((await ledger(range, world.key(['nobody']))).body['statuses']).toMatchObject({
      accepted: 0,
      duplicate: 0,
      lost: 0,
    });
    const viewer = await world.viewer(acme, { view: 'user', any_of: [{ actor: { type: 'user', id: 'u_1' } }] });
    expect((await world.get('/v1/ledger', viewer)).body['code']).toBe('view_not_allowed');
    expect((await world.get('/v1/ledger')).status).toBe(401);
    expect((await world.get('/v1/ledger?tenant_id=globex', acme)).status).toBe(403);
    expect(world.readings.at(-1)).toMatchObject({ kind: 'ledger_read', log: 'nobody' });
  });

  test.each([
    ['bucket=2h', 'bucket'],
    ['bucket=1m&since=-30d', 'bucket'],
    ['since=yesterday', 'since'],
    ['since=2026-11-02T00:00:00Z&until=2026-11-01T00:00:00Z', 'until'],
    ['q=a', 'q'],
  ])('refused: %s', async (query, parameter) => {
    const { status, body } = await world.get(`/v1/ledger?${query}`, acme);
    expect(status).toBe(400);
    expect(body['errors']).toContainEqual(expect.objectContaining({ parameter }));
  });
});

test('the example of docs/ledger.md is right', () => {
  const text = readFileSync(new URL('../../../docs/ledger.md', import.meta.url), 'utf8');
  const [example = ''] = codeBlocks(text, 'json');
  // The tests' own reading of the document.
  const { events, digest: expected } = JSON.parse(example) as { events: Held[]; digest: string };
  expect(digest(events)).toBe(expected);
});
