import { describe, expect, test } from '@jest/globals';
import { passedNoteOf, passedRangeOf } from '@docket/kafka';
import { notePassed } from '../src/passed-machine.ts';
import { startOf } from '../src/position-policy.ts';
import { assignment, createDriven, recordAt } from './machine-under-test.ts';

const topicId = '0123456789abcdef0123456789abcdef';

/** A machine that reads partition 0 from its beginning, or compares offset `last` first. */
function running(last: number | null = null) {
  const driven = createDriven(2);
  const head = { log: 'acme', headSeq: 1, firstSeq: 1, headOffset: last ?? 0, rows: 1 };
  const heads = last === null ? new Map() : new Map([['acme', head]]);
  const stored = { last: last === null ? null : head, startOffset: 0, heads };
  const kafka = { earliest: 0, next: 99, topicId };
  const other = { partition: 1, stored: { last: null, startOffset: 0, heads: new Map() }, kafka };
  driven.tell({ kind: 'assigned', assignment });
  const { run } = driven.state();
  driven.tell({ kind: 'claimed', run, owner: 'o1', owned: [0, 1] });
  driven.tell({ kind: 'cleared', run });
  driven.tell({ kind: 'placesRead', run, owned: [0, 1], places: [{ partition: 0, stored, kafka }, other] });
  if (last !== null)
    driven.tell({
      kind: 'pastRead',
      run,
      window: [],
      stored: { log: 'acme', offset: last, id: '', receivedAtMs: 0 },
    });
  expect(driven.state().phase).toBe('running');
  return {
    passed: (nextOffset: number) => notesIn(driven.tell({ kind: 'passed', run, partition: 0, nextOffset })),
    records: (...offsets: number[]) =>
      notesIn(
        driven.tell(
          { kind: 'records', run, partition: 0, behind: 0, records: offsets.map((offset) => recordAt(offset)) },
          20,
        ),
      ),
    stored: () => notesIn(driven.tell({ kind: 'insertAnswered', run, answer: { kind: 'stored' } })),
  };
}

function notesIn(effects: readonly { readonly kind: string }[]): unknown[] {
  return effects.flatMap((effect) => ('passed' in effect ? [effect.passed] : []));
}

describe('offsets without data are noted', () => {
  test('at once, where nothing waits for its insert', () => {
    expect(running().passed(4)).toEqual([{ topicId, from: 0, to: 4 }]);
  });

  test('I4: not before every record below them is stored', () => {
    const one = running();
    expect(one.records(0, 1)).toEqual([]);
    expect(one.passed(5)).toEqual([]);
    expect(one.stored()).toEqual([{ topicId, from: 2, to: 5 }]);
    expect(one.records(5, 6, 8)).toEqual([]);
    expect(one.passed(12)).toEqual([]);
    // The third record is still on its way.
    expect(one.stored()).toEqual([]);
  });

  test('I4: not before the last stored record was seen: it may be another topic’s', () => {
    const one = running(3);
    expect(one.passed(9)).toEqual([]);
    const seen = running(3);
    expect(seen.records(3)).toEqual([]);
    expect(seen.passed(9)).toEqual([{ topicId, from: 4, to: 9 }]);
  });

  test('not where there are none, and not while Kafka does not say which topic it is', () => {
    const effects: never[] = [];
    const open = { from: 0, expected: null, nextOffset: 7, topicId: undefined, storedTo: 7, enteredTo: 7, passedTo: 9 };
    notePassed(0, open, effects);
    notePassed(0, { ...open, topicId, passedTo: 7 }, effects);
    expect(effects).toEqual([]);
  });
});

describe('what is noted explains a log that begins behind the position', () => {
  const passed = { topicId, from: 6, to: 10 };
  test.each([
    ['all of it was noted', {}, 'fetch'],
    ['it begins behind what was noted', { earliest: 11 }, 'stop'],
    ['it begins at the end of what was noted', { earliest: 10 }, 'fetch'],
    ['ClickHouse has lost the row before it', { lastOffset: 4 }, 'stop'],
    ['ClickHouse holds a row within it: it lies', { lastOffset: 7 }, 'fetch'],
    ['another topic has the name now', { topicId: `f${topicId.slice(1)}` }, 'stop'],
    ['Kafka does not say which topic it is', { topicId: undefined }, 'stop'],
    ['the partition ends before the position', { next: 5 }, 'stop'],
  ])('I4: %s', (_name, changed, kind) => {
    const found = { lastOffset: 5, earliest: 9, next: 20, topicId, ...changed };
    const { lastOffset, earliest, next } = found;
    const named = found.topicId === undefined ? {} : { topicId: found.topicId };
    const start = startOf({ lastOffset, startOffset: 0 }, { earliest, next, passed, ...named });
    expect(start).toMatchObject(kind === 'fetch' ? { kind, from: earliest, expectStored: false } : { kind });
  });
});

test('a note is read back by the ingestor of the same generation only, and nothing else is one', () => {
  const note = passedNoteOf(3, { topicId, from: 6 });
  expect(passedRangeOf({ offset: 10, note }, 3)).toEqual({ topicId, from: 6, to: 10 });
  expect(passedRangeOf({ offset: 10, note }, 4)).toBeUndefined();
  expect(passedRangeOf({ offset: 10, note: '' }, 3)).toBeUndefined();
  expect(passedRangeOf({ offset: 10, note: `${note} and more` }, 3)).toBeUndefined();
  expect(passedRangeOf(undefined, 3)).toBeUndefined();
});
