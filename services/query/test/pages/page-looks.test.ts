import { describe, expect, test } from '@jest/globals';
import { createPageLooks } from '../../src/pages/page-looks.ts';
import { parseFilter } from '../parameters.ts';

const hour = 3_600_000_000;
const now = Date.UTC(2026, 10, 20) * 1_000;
const queryOf = (filter: string, occurredAt?: number) => ({
  search: parseFilter(filter).scoped,
  after: occurredAt === undefined ? null : { occurredAt, id: '0199f3c2-0000-7000-8000-00000000000a', seq: 1 },
  limit: 10,
});

/** Looks that know the log for one in which a page without a filter is full in an hour. */
function looksAtBusyLog() {
  const looks = createPageLooks();
  looks.learn(queryOf(''), now, now - hour);
  return looks;
}

describe('createPageLooks', () => {
  test('an unknown search is looked for in the last two days first', () => {
    const looks = createPageLooks();
    expect(looks.firstFrom(queryOf(''), now)).toBe(now - 48 * hour);
    expect(looks.firstFrom(queryOf('', now - 100 * hour), now)).toBe(now - 148 * hour);
    expect(looks.firstFrom(queryOf('until=2026-11-10T00:00:00Z'), now)).toBe(now - (240 + 48) * hour);
  });

  test('what has an end ahead of now is looked for from now on back', () => {
    const looks = createPageLooks();
    expect(looks.firstFrom(queryOf('until=2030-01-01T00:00:00Z'), now)).toBe(now - 48 * hour);
    expect(looks.firstFrom(queryOf('', now + 20 * hour), now)).toBe(now - 48 * hour);
  });

  test('a range that is no longer, or ends before 1970, is looked for at once', () => {
    const looks = createPageLooks();
    expect(looks.firstFrom(queryOf('since=2026-11-18T00:00:00Z'), now)).toBeNull();
    expect(looks.firstFrom(queryOf('since=2026-11-17T23:59:59Z'), now)).toBe(now - 48 * hour);
    expect(looks.firstFrom(queryOf('until=1960-01-01T00:00:00Z'), now)).toBeNull();
  });

  test('a page that is not full by then is looked for as far back as it probably goes, twice over', () => {
    const looks = createPageLooks();
    const from = now - 48 * hour;
    expect(looks.nextFrom(queryOf(''), from, 5, now)).toBe(now - 4 * 48 * hour);
    expect(looks.nextFrom(queryOf(''), from, 9, now)).toBe(now - 3 * 48 * hour);
    expect(looks.nextFrom(queryOf('', now - 100 * hour), now - 102 * hour, 4, now)).toBe(now - 110 * hour);
  });

  test('what has no more than an eighth of a page by then is looked for everywhere', () => {
    const looks = createPageLooks();
    const from = now - 48 * hour;
    expect(looks.nextFrom({ ...queryOf(''), limit: 8 }, from, 1, now)).toBe(now - 16 * 48 * hour);
    expect(looks.nextFrom({ ...queryOf(''), limit: 9 }, from, 1, now)).toBeNull();
    expect(looks.nextFrom(queryOf(''), from, 0, now)).toBeNull();
    expect(looks.nextFrom(queryOf('since=2026-11-16T00:00:00Z'), from, 9, now)).toBeNull();
  });

  test('the next look goes twice as far as the page went, and an hour at least', () => {
    const looks = createPageLooks();
    looks.learn(queryOf(''), now, now - 100 * hour);
    expect(looks.firstFrom(queryOf(''), now)).toBe(now - 200 * hour);
    looks.learn(queryOf(''), now, now + hour);
    expect(looks.firstFrom(queryOf(''), now)).toBe(now - hour);
  });

  test('pages behind a position are remembered apart from first ones', () => {
    const looks = createPageLooks();
    looks.learn(queryOf(''), now, now - 1_000 * hour);
    looks.learn(queryOf('', now - 1_000 * hour), now, now - 1_003 * hour);
    expect(looks.firstFrom(queryOf(''), now)).toBe(now - 2_000 * hour);
    expect(looks.firstFrom(queryOf('', now - 1_003 * hour), now)).toBe(now - 1_009 * hour);
  });

  test('a search that has no full page is looked for at once, until it has one', () => {
    const looks = createPageLooks();
    looks.learn(queryOf('actor_id=a'), now, null);
    expect(looks.firstFrom(queryOf('actor_id=a'), now)).toBeNull();
    looks.learn(queryOf('actor_id=a'), now, now - 3 * hour);
    expect(looks.firstFrom(queryOf('actor_id=a'), now)).toBe(now - 6 * hour);
  });

  test('in a log with less than ten pages in the last two days, what was not asked for before is looked for at once', () => {
    const looks = createPageLooks();
    looks.learn(queryOf(''), now, now - 5 * hour);
    expect(looks.firstFrom(queryOf('outcome=denied'), now)).toBeNull();
    expect(looks.firstFrom(queryOf('outcome=denied', now - hour), now)).toBeNull();
    looks.learn(queryOf(''), now, now - 4 * hour);
    looks.learn(queryOf('outcome=denied'), now, null);
    looks.learn(queryOf('since=2026-11-19T00:00:00Z'), now, null);
    expect(looks.firstFrom(queryOf('actor_id=a'), now)).toBe(now - 48 * hour);
  });

  test('a value that was not asked for before is looked for as one of its kind: at once where pages go back far', () => {
    const looks = looksAtBusyLog();
    looks.learn(queryOf('actor_id=a'), now, now - 193 * hour);
    expect(looks.firstFrom(queryOf('actor_id=b'), now)).toBeNull();
    expect(looks.firstFrom(queryOf('actor_id=a'), now)).toBe(now - 386 * hour);
    expect(looks.firstFrom(queryOf('on_behalf_of_id=b'), now)).toBe(now - 48 * hour);
    expect(looks.firstFrom(queryOf('actor_id=b&outcome=denied'), now)).toBe(now - 48 * hour);
    expect(looks.firstFrom(queryOf('actor_id=b', now - hour), now)).toBe(now - 49 * hour);
    looks.learn(queryOf('actor_id=c'), now, now - 192 * hour);
    expect(looks.firstFrom(queryOf('actor_id=b'), now)).toBe(now - 48 * hour);
  });

  test('I8: remembers 10,000 searches, those that were asked last', () => {
    const looks = createPageLooks();
    for (let n = 0; n <= 10_000; n += 1) {
      if (n === 10_000) looks.learn(queryOf('actor_id=0'), now, now - 3 * hour);
      looks.learn(queryOf(`actor_id=${n}`), now, now - 3 * hour);
    }
    expect(looks.firstFrom(queryOf('actor_id=0'), now)).toBe(now - 6 * hour);
    expect(looks.firstFrom(queryOf('actor_id=1'), now)).toBe(now - 48 * hour);
    expect(looks.firstFrom(queryOf('actor_id=2'), now)).toBe(now - 6 * hour);
  });

  test('I8: and 10,000 kinds', () => {
    const looks = looksAtBusyLog();
    for (let n = 0; n <= 10_000; n += 1) looks.learn(queryOf(`metadata.k${n}=v`), now, null);
    expect(looks.firstFrom(queryOf('metadata.k0=w'), now)).toBe(now - 48 * hour);
    expect(looks.firstFrom(queryOf('metadata.k1=w'), now)).toBeNull();
  });
});
