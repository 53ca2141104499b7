import { expect, test } from '@jest/globals';
import { createRefusalSearch } from '../src/refusal-search.ts';

const entry = (place: number) => ({ place, text: `event ${place}`, bytes: 7, isOwn: true });

test('a refused request is halved until the event is alone, and what is taken doubles the next up to the whole', () => {
  const search = createRefusalSearch(10);
  const sizes = [search.eventsMax(undefined)];
  for (const events of [10, 5, 3, 2]) {
    search.halve(undefined, events);
    sizes.push(search.eventsMax(undefined));
  }
  search.found(undefined);
  for (let n = 0; n < 5; n += 1) {
    sizes.push(search.eventsMax(undefined));
    search.taken(undefined, [entry(n)]);
  }
  expect(sizes).toEqual([10, 5, 3, 2, 1, 1, 2, 4, 8, 10]);
});

test('I7: what is taken of one row changes nothing in another', () => {
  const search = createRefusalSearch(10);
  search.halve('busy', 2);
  expect(search.doubt('busy', entry(1))).toBe(1);
  for (const row of [undefined, 'other']) search.taken(row, [entry(2)]);
  expect([search.eventsMax('busy'), search.eventsMax(undefined), search.eventsMax('other')]).toEqual([1, 10, 10]);
  expect(search.doubt('busy', entry(1))).toBe(2);
  expect(search.doubt(undefined, entry(1))).toBe(1);
});

test('an event is doubted until it is settled itself, whatever is taken before', () => {
  const search = createRefusalSearch(10);
  expect([search.doubt(undefined, entry(1)), search.doubt(undefined, entry(1))]).toEqual([1, 2]);
  search.taken(undefined, [entry(0)]);
  expect(search.doubt(undefined, entry(1))).toBe(3);
  search.taken(undefined, [entry(0), entry(1)]);
  expect(search.doubt(undefined, entry(1))).toBe(1);
  search.found(undefined);
  expect(search.doubt(undefined, entry(1))).toBe(1);
  expect(search.doubt(undefined, entry(2))).toBe(1);
});

test('a row that is empty is forgotten', () => {
  const search = createRefusalSearch(10);
  search.halve('busy', 2);
  search.doubt('busy', entry(1));
  search.forget('busy');
  expect([search.eventsMax('busy'), search.doubt('busy', entry(1))]).toEqual([10, 1]);
});
