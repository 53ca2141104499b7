import { describe, expect, test } from '@jest/globals';
import type { InsertAnswer } from '../src/ingest-state.ts';
import {
  afterAssigned,
  assignment,
  drivenAgain,
  drivenTo,
  kindsOf,
  limits,
  noRows,
  recordAt,
  rowsUpTo,
  theOnly,
  type Driven,
} from './machine-under-test.ts';

function enter(driven: Driven, offsets: readonly number[], partition = 0) {
  const records = offsets.map((offset) => recordAt(offset, partition));
  return driven.tell({ kind: 'records', run: driven.state().run, partition, records, behind: 0 });
}

function answer(driven: Driven, given: InsertAnswer) {
  return driven.tell({ kind: 'insertAnswered', run: driven.state().run, answer: given });
}

const stored: InsertAnswer = { kind: 'stored' };
const refused: InsertAnswer = { kind: 'refused', message: 'Code 117' };

describe('records', () => {
  test('leave as a block when it is full, or when it is due', () => {
    const driven = drivenTo('running');
    const { run } = driven.state();
    expect(enter(driven, [0, 1])).toEqual([{ kind: 'wake', run, inMs: 10 }]);
    expect(theOnly(enter(driven, [2]), 'insertBlock').block.offsets).toEqual([0, 1, 2]);
    enter(driven, [3]);
    expect(kindsOf(answer(driven, stored))).toEqual(['commit']);
    expect(theOnly(driven.tell({ kind: 'due', run }, 10), 'insertBlock').block.offsets).toEqual([3]);
  });

  test('I8: too many of them hold Kafka back until a block is stored', () => {
    const driven = drivenTo('running');
    enter(driven, [0, 1, 2, 3, 4]);
    expect(enter(driven, [5])).toEqual([{ kind: 'pause', partitions: [0, 1] }]);
    expect(kindsOf(answer(driven, stored))).toEqual(['commit', 'resume', 'insertBlock']);
  });

  test('I2: one that comes again, or out of order, is a broken assumption', () => {
    const driven = drivenTo('running');
    enter(driven, [0, 1]);
    expect(() => enter(driven, [1])).toThrow('partition 0: a record came again, or out of order, at 2');
  });

  test('I4: a partition whose last stored record is another one now is stopped, and nothing of it is entered', () => {
    const driven = drivenTo('reading');
    const { run } = driven.state();
    const place = (partition: number, rows = noRows) => ({ partition, stored: rows, kafka: { earliest: 0, next: 9 } });
    driven.tell({ kind: 'placesRead', run, places: [place(0, rowsUpTo(4)), place(1, rowsUpTo(4))], owned: [0, 1] });
    const last = { log: 'acme', id: '', offset: 4, receivedAtMs: 0 };
    driven.tell({ kind: 'pastRead', run, window: [], stored: last });
    driven.tell({ kind: 'pastRead', run, window: [], stored: last });
    const effects = enter(driven, [5, 6]);
    expect(kindsOf(effects)).toEqual(['stopPartition', 'lookAgainLater']);
    expect(theOnly(effects, 'stopPartition')).toMatchObject({ partition: 0, reason: 'another_record' });
    expect(enter(driven, [7])).toEqual([]);
    // The one that is compared is stored already.
    expect(kindsOf(enter(driven, [4, 5, 6], 1))).toEqual(['wake']);
    expect(driven.intakes[0]?.bytes()).toBe(2);
  });

  test('I4: where Kafka jumped, nothing is stopped before the places were read under a new claim', () => {
    const driven = drivenTo('running');
    const { run } = driven.state();
    enter(driven, [0, 1]);
    const effects = driven.tell({ kind: 'positionJumped', run, partition: 0, detail: 'at 9 instead of 2' });
    expect(kindsOf(effects)).toEqual(['abandon', 'pause', 'partition.jumped', 'wait']);
    expect(theOnly(driven.tell({ kind: 'waited', run: run + 1 }), 'claim').partitions).toEqual([0, 1]);
  });
});

describe('a block', () => {
  /** What a block of three rows comes to, answer by answer. */
  function write(...answers: readonly InsertAnswer[]) {
    return writeWith(drivenTo('running'), ...answers);
  }

  /** The same after a block was refused, so that values are kept. */
  function writeAgain(...answers: readonly InsertAnswer[]) {
    const driven = drivenTo('running');
    enter(driven, [1, 2, 3]);
    answer(driven, refused);
    drivenAgain(driven);
    return writeWith(driven, ...answers);
  }

  function writeWith(driven: Driven, ...answers: readonly InsertAnswer[]) {
    let effects = enter(driven, [1, 2, 3]);
    const tries: { token: string; offsets: readonly number[] }[] = [];
    for (const given of answers) {
      for (const effect of effects)
        if (effect.kind === 'insertBlock') tries.push({ token: effect.token, offsets: effect.block.offsets });
      effects = answer(driven, given);
      if (given.kind === 'unavailable') effects = driven.tell({ kind: 'waited', run: driven.state().run });
    }
    return { tries, last: kindsOf(effects), phase: driven.state().phase, released: driven.intakes[0]?.released };
  }

  test('is stored when its first try says so, and its memory is free again', () => {
    const { tries, last, phase, released } = write(stored);
    expect(tries).toEqual([{ token: 'o1/1', offsets: [1, 2, 3] }]);
    expect([last, phase, released?.length]).toEqual([['commit'], 'running', 1]);
  });

  test('I2: whose answer is lost is in doubt at once: its token may be noted without its rows', () => {
    const { last, phase } = write({ kind: 'unanswered' });
    expect([last, phase]).toEqual([['abandon', 'pause', 'assignment.in_doubt', 'wait'], 'waiting']);
  });

  test('I2: that is taken only at a later try is in doubt: that is also how one is dropped whose token is known', () => {
    const { tries, last } = write({ kind: 'unavailable' }, { kind: 'unavailable' }, stored);
    expect(tries.map(({ token }) => token)).toEqual(['o1/1', 'o1/1', 'o1/1']);
    expect(last).toContain('assignment.in_doubt');
  });

  test('of which another owner has a partition ends the run; it claims again when it is still a member', () => {
    const { last, phase } = write({ kind: 'fenced' });
    expect([last, phase]).toEqual([['abandon', 'pause', 'assignment.fenced', 'wait'], 'waiting']);
  });

  test('that is refused is read again, with the values of its records: a quarantined row shows its own', () => {
    const { tries, last, phase } = write(refused);
    expect(tries).toHaveLength(1);
    expect([last, phase]).toEqual([['abandon', 'pause', 'block.refused', 'wait'], 'waiting']);
    const again = writeAgain(refused);
    expect([again.last, again.phase]).toEqual([['insertBlock'], 'running']);
  });

  test('values are kept for the rest of the assignment, and of the next one no more', () => {
    const driven = drivenTo('running');
    enter(driven, [1, 2, 3]);
    answer(driven, refused);
    drivenAgain(driven);
    enter(driven, [1, 2, 3]);
    answer(driven, { kind: 'unanswered' });
    drivenAgain(driven);
    driven.tell({ kind: 'assigned', assignment });
    expect(driven.kept).toEqual([false, true, true]);
    for (const input of afterAssigned) driven.tell(input(driven.state().run));
    expect(driven.kept).toEqual([false, true, true, false]);
  });

  test('I4: that is refused is halved in order, down to the row, which is stored as quarantined; no token names two parts', () => {
    const { tries, last } = writeAgain(refused, refused, stored, refused, stored, stored);
    expect(tries).toEqual([
      { token: 'o1/1', offsets: [1, 2, 3] },
      { token: 'o1/2', offsets: [1, 2] },
      { token: 'o1/3', offsets: [1] },
      { token: 'o1/4', offsets: [2] },
      { token: 'o1/5', offsets: [-2] },
      { token: 'o1/6', offsets: [3] },
    ]);
    expect(last).toEqual(['commit']);
  });

  test('of a quarantined row that is refused is a broken assumption', () => {
    const { last, phase } = writeAgain(refused, refused, refused, refused);
    expect([last, phase]).toEqual([['abandon', 'pause', 'exit'], 'ended']);
  });

  test('publishes its strays first, and only those again that Kafka did not confirm', () => {
    const driven = drivenTo('running');
    const { run } = driven.state();
    const { strays } = theOnly(enter(driven, [0, 1, 2], 1), 'publishStrays');
    expect(strays.map(({ record }) => record.offset)).toEqual([0, 1, 2]);
    const failed = driven.tell({ kind: 'straysPublished', run, unpublished: strays.slice(1) });
    expect(kindsOf(failed)).toEqual(['backOff']);
    expect(theOnly(driven.tell({ kind: 'waited', run }), 'publishStrays').strays).toEqual(strays.slice(1));
    const published = driven.tell({ kind: 'straysPublished', run, unpublished: [] });
    expect(kindsOf(published)).toEqual(['insertBlock']);
  });

  test('is one at a time: what comes meanwhile waits', () => {
    const driven = drivenTo('running');
    enter(driven, [0, 1, 2]);
    expect(enter(driven, [3, 4])).toEqual([]);
    expect(kindsOf(driven.tell({ kind: 'due', run: driven.state().run }, 20))).toEqual([]);
    expect(theOnly(answer(driven, stored), 'insertBlock').block.offsets).toEqual([3, 4]);
  });

  test.each<[string, (driven: Driven) => void]>([
    ['an answer that nobody waits for', (driven) => void answer(driven, stored)],
    ['a pause that nobody made', (driven) => void driven.tell({ kind: 'waited', run: driven.state().run })],
  ])('%s is a broken assumption', (_name, tell) => {
    expect(() => tell(drivenTo('running'))).toThrow('while none');
  });

  test('waits as long as the settings say', () => {
    const driven = drivenTo('running');
    enter(driven, [1, 2, 3]);
    expect(theOnly(answer(driven, { kind: 'unanswered' }), 'wait').ms).toBe(limits.inDoubtPauseMs);
    const other = drivenTo('running');
    enter(other, [1, 2, 3]);
    expect(theOnly(answer(other, { kind: 'fenced' }), 'wait').ms).toBe(limits.fencedPauseMs);
  });
});
