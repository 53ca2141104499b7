import { rowOfEvent, type EventRow, type LoggedEvent } from '@docket/event';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createChance } from '../../../packages/event/test/event-maker.ts';
import { baseMicros, loggedFrom } from '../../../packages/event/test/search/search-maker.ts';
import { createQueryWorld, type QueryWorld } from './query-world.ts';

let world: QueryWorld;
let acme: string;

beforeAll(async () => {
  world = await createQueryWorld();
  acme = world.key(['acme']);
  const chance = createChance(7);
  const logged = Array.from({ length: 400 }, (_, index) =>
    spread(loggedFrom(chance, chance.pick(['acme', 'globex']), index + 1), chance.upTo(600)),
  );
  await world.store(logged.map(rowOf));
});
afterAll(() => world.close());

/** Over ten hours, in steps of a minute and the odd microsecond. */
function spread({ event, ...stored }: LoggedEvent, minute: number): LoggedEvent {
  return { ...stored, event: { ...event, occurred_at: baseMicros + minute * 60_000_000 + (minute % 3) - 1 } };
}

function rowOf({ event, seq, status, receivedAtMs }: LoggedEvent): EventRow {
  const place = { generation: 1, partition: 0, offset: seq, schemaId: 1, statusDetail: '' };
  return rowOfEvent(event, { ...place, log: event.tenant_id, seq, status, receivedAtMs }, 0n);
}

type Shown = Record<string, unknown> & {
  readonly occurred_at: string;
  readonly action: string;
  readonly actor: { readonly id: string };
  readonly context?: { readonly ip?: string };
  readonly resources?: readonly { readonly type: string; readonly id: string }[];
  readonly metadata?: Readonly<Record<string, string>>;
};

/** The events of a search, one by one: what its counts must agree with. */
async function eventsOf(query: string): Promise<Shown[]> {
  const { status, body } = await world.get(`/v1/events?limit=1000&${query}`, acme);
  expect(status).toBe(200);
  // The tests' own reading of an answer.
  return (body.data ?? []) as unknown as Shown[];
}

function countsOf(values: readonly string[]): { value: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const value of values) if (value !== '') counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].map(([value, count]) => ({ value, count })).toSorted((a, b) => b.count - a.count || byBytes(a, b));
}

function byBytes(left: { value: string }, right: { value: string }): number {
  return Buffer.compare(Buffer.from(left.value), Buffer.from(right.value));
}

const range = 'since=2026-11-01T11:30:00Z&until=2026-11-01T22:30:00Z';
const queries = [
  '',
  'outcome=success',
  'q=-action:user*',
  'q=resource:doc:*',
  'q=status:*',
  'actor_id=nobody',
  'q=user+OR+ip:203.0.113.0/24',
];

describe('facets', () => {
  const valuesOf: Readonly<Record<string, (event: Shown) => readonly string[]>> = {
    action: ({ action }) => [action],
    actor_id: ({ actor }) => [actor.id],
    ip: ({ context }) => [context?.ip ?? ''],
    resource_type: ({ resources = [] }) => [...new Set(resources.map(({ type }) => type))],
    resource: ({ resources = [] }) => [...new Set(resources.map(({ type, id }) => `${type}:${id}`))],
    'metadata.plan': ({ metadata = {} }) => [metadata['plan'] ?? ''],
  };

  test.each(queries)('count what the search finds: %s', async (query) => {
    const events = await eventsOf(query);
    for (const fields of [
      ['action', 'actor_id', 'ip'],
      ['resource_type', 'resource', 'metadata.plan'],
    ]) {
      const { status, body } = await world.get(
        `/v1/events/facets?limit=5&${fields.map((field) => `field=${field}`).join('&')}&${query}`,
        acme,
      );
      expect([status, body['total']]).toEqual([200, events.length]);
      for (const field of fields) {
        const expected = countsOf(events.flatMap((event) => valuesOf[field]?.(event) ?? []));
        expect(body['facets']).toHaveProperty([field], { values: expected.slice(0, 5), has_more: expected.length > 5 });
      }
    }
  });

  test.each([
    ['', 'field'],
    ['field=seq', 'field'],
    ['field=since', 'field'],
    ['field=actor', 'field'],
    ['field=constructor', 'field'],
    ['field=metadata.a%20b', 'field'],
    [['action', 'ip', 'service', 'status', 'outcome', 'severity'].map((name) => `field=${name}`).join('&'), 'field'],
    ['field=action&limit=101', 'limit'],
    ['field=action&q=actr:x', 'q'],
  ])('refused: %s', async (query, parameter) => {
    const { status, body } = await world.get(`/v1/events/facets?${query}`, acme);
    expect([status, body['errors']]).toEqual([400, [expect.objectContaining({ parameter })]]);
  });
});

describe('the histogram', () => {
  test.each(queries)('counts what the search finds: %s', async (query) => {
    const events = await eventsOf(`${query}&${range}`);
    const { status, body } = await world.get(`/v1/events/histogram?interval=15m&by=action&${range}&${query}`, acme);
    expect(status).toBe(200);
    const buckets = Array.from({ length: 44 }, (_, index) => {
      const from = Date.UTC(2026, 10, 1, 11, 30) + index * 900_000;
      const own = events.filter(({ occurred_at: at }) => {
        // Whole microseconds: the text has them, Date.parse drops them, and no bound lies within a millisecond.
        const ms = Math.floor(Date.parse(at));
        return ms >= from && ms < from + 900_000;
      });
      const at = new Date(from).toISOString().replace('Z', '000Z');
      return { at, count: own.length, values: countsOf(own.map(({ action }) => action)) };
    });
    expect(body).toEqual({
      since: '2026-11-01T11:30:00.000000Z',
      until: '2026-11-01T22:30:00.000000Z',
      interval: '15m',
      total: events.length,
      buckets,
    });
  });

  test.each(['outcome', 'severity', 'operation', 'category'])('tells all values of %s apart', async (field) => {
    const events = await eventsOf(range);
    const { body } = await world.get(`/v1/events/histogram?interval=1d&by=${field}&${range}`, acme);
    const [bucket] = body['buckets'] as Record<string, unknown>[];
    expect(events.length).toBeGreaterThan(50);
    expect(bucket).toMatchObject({
      count: events.length,
      values: countsOf(events.map(({ [field]: value }) => (typeof value === 'string' ? value : ''))),
    });
  });

  test('tells the ten most frequent values apart, and counts the others', async () => {
    const rows = Array.from({ length: 30 }, (_, index) => ({
      tenant_id: 'many',
      seq: index + 1,
      occurred_at: baseMicros,
      // a.0 to a.11, the last ones least.
      action: `a.${Math.min(index % 15, 11)}`,
      source_service: '',
    }));
    await world.store(rows);
    const { body } = await world.get(`/v1/events/histogram?by=action&interval=1d&${range}`, world.key(['many']));
    const [bucket] = body['buckets'] as { count: number; values: { value: string }[] }[];
    expect([bucket?.count, bucket?.values.length, bucket?.values[0]]).toEqual([30, 10, { value: 'a.11', count: 8 }]);
    const without = await world.get(`/v1/events/histogram?by=service&interval=1d&${range}`, world.key(['many']));
    expect(without.body['buckets']).toEqual([expect.objectContaining({ count: 30, values: [] })]);
  });

  test.each([
    ['by=actor_id', 'by'],
    ['interval=2h', 'interval'],
    ['interval=1m&since=-30d', 'interval'],
    ['since=2026-11-01T00:00:00Z&until=2026-11-01T00:00:00Z', 'until'],
    ['q=since:-1d+until:-2d', 'since'],
  ])('refused: %s', async (query, parameter) => {
    const { status, body } = await world.get(`/v1/events/histogram?${query}`, acme);
    expect(status).toBe(400);
    expect(body['errors']).toContainEqual(expect.objectContaining({ parameter }));
  });
});

test('I5: counts need a key, and count one tenant', async () => {
  for (const path of ['/v1/events/facets?field=actor_id&limit=100', `/v1/events/histogram?${range}`]) {
    expect((await world.get(path)).status).toBe(401);
    expect((await world.get(path, world.key(['acme'], ['events:write']))).status).toBe(403);
    expect((await world.get(`${path}&tenant_id=globex`, acme)).status).toBe(403);
    expect((await world.get(path, world.key(['nobody']))).body['total']).toBe(0);
  }
});
