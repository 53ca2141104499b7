import { newEventId } from '@docket/event';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createQueryWorld, type QueryWorld } from './query-world.ts';

let world: QueryWorld;
const id = newEventId();

beforeAll(async () => {
  world = await createQueryWorld();
  await world.store([
    { id, tenant_id: 'acme', seq: 1, action: 'user.created' },
    { tenant_id: 'globex', seq: 1, action: 'user.created' },
  ]);
}, 60_000);
afterAll(() => world?.close());

/** What a request is kept as; fails when it is kept as none, or as several. */
async function readingOf(path: string) {
  const before = world.readings.length;
  const { status } = await world.get(path, world.key(['acme']));
  expect(status).toBe(200);
  const kept = world.readings.slice(before);
  expect(kept).toHaveLength(1);
  const [found] = kept;
  if (found === undefined) throw new Error('nothing was kept');
  return found;
}

describe('what is kept of a reading', () => {
  test('a search: what it asked for and how much it shows', async () => {
    expect(await readingOf('/v1/events?action=user.*')).toMatchObject({
      kind: 'searched',
      log: 'acme',
      asked: { search: expect.stringContaining('action:user.*') },
      results: 1,
    });
  });

  test('a histogram and facets: how many events they count', async () => {
    expect(await readingOf('/v1/events/facets?field=action')).toMatchObject({
      kind: 'counted',
      asked: { facets: 'action' },
      results: 1,
    });
    expect(await readingOf('/v1/events/histogram?since=2026-10-30T00:00:00Z&until=2026-11-03T00:00:00Z')).toMatchObject(
      { kind: 'counted', asked: { interval: '1h' }, results: 1 },
    );
  });

  test('one event: its id', async () => {
    expect(await readingOf(`/v1/events/${id}`)).toMatchObject({ kind: 'event_viewed', log: 'acme', eventId: id });
  });

  test('a feed: where it went on, but that is not its question', async () => {
    const first = await readingOf('/v1/feed?after=0');
    const second = await readingOf('/v1/feed?after=1');
    expect(first).toMatchObject({ kind: 'fed', asked: { after: '0' }, results: 1 });
    expect(second).toMatchObject({ kind: 'fed', asked: { after: '1' }, results: 0 });
    expect(second.question).toBe(first.question);
  });

  test('the same relative search a moment later is the same question', async () => {
    const first = await readingOf('/v1/events?q=since:-400d');
    const second = await readingOf('/v1/events?q=since:-400d');
    const third = await readingOf('/v1/events?q=since:-400d');
    // The clock may pass a round time between two of them, but not twice.
    expect([first.question, third.question]).toContain(second.question);
    expect((await readingOf('/v1/events?q=since:-401d')).question).not.toBe(third.question);
  });

  test('pages of one search are one question', async () => {
    await world.store([{ tenant_id: 'acme', seq: 2, action: 'user.created' }]);
    const authorization = world.key(['acme']);
    const page = await world.get('/v1/events?limit=1&q=since:-400d', authorization);
    await world.get(`/v1/events?limit=1&q=since:-400d&cursor=${String(page.body['next_cursor'])}`, authorization);
    const [first, second] = world.readings.slice(-2);
    expect(second?.question).toBe(first?.question);
  });

  test('I5: nothing is kept in the log of a tenant that the key is not good for', async () => {
    const before = world.readings.length;
    const refused = await world.get('/v1/events?tenant_id=globex', world.key(['acme']));
    expect(refused.status).toBe(403);
    expect(world.readings).toHaveLength(before);
  });
});
