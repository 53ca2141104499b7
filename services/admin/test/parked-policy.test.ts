import { describe, expect, test } from '@jest/globals';
import type { ParkedEvent } from '@docket/directory';

import { chosenParked, parkedPage, readSeqs } from '../src/parked-policy.ts';
import { readPageRequest } from '../src/page-policy.ts';

const parked = (seq: number, changes: Partial<ParkedEvent> = {}): ParkedEvent => ({
  seq,
  error: 'status_400',
  answerExcerpt: 'no',
  parkedAtMs: 0,
  asks: 0,
  refused: 0,
  ...changes,
});

describe('the list of parked events', () => {
  test('goes by seq as a number, and its pages neither overlap nor skip while events come and go', () => {
    const first = parkedPage([parked(9), parked(10), parked(100)], { limit: 2, afterId: '' });
    expect(first.data.map(({ seq }) => seq)).toEqual([9, 10]);
    const rest = readPageRequest({ cursor: first.next_cursor });
    expect(parkedPage([parked(8), parked(11), parked(100)], rest).data.map(({ seq }) => seq)).toEqual([11, 100]);
  });

  test('says whether an event is being sent again', () => {
    const { data } = parkedPage([parked(1), parked(2, { asks: 1 }), parked(3, { asks: 1, refused: 1 })], {
      limit: 10,
      afterId: '',
    });
    expect(data.map(({ state }) => state)).toEqual(['parked', 'replaying', 'parked']);
    expect(data[0]).toEqual({
      seq: 1,
      error: 'status_400',
      answer_excerpt: 'no',
      parked_at: '1970-01-01T00:00:00.000Z',
      state: 'parked',
    });
  });

  test('all or some are asked for; of a seq that is not parked nothing is', () => {
    const list = [parked(1), parked(2)];
    expect(chosenParked(list, { seqs: 'all' })).toEqual(list);
    expect(chosenParked(list, { seqs: [2] })).toEqual([list[1]]);
    expect(() => chosenParked(list, { seqs: [2, 3] })).toThrow(expect.objectContaining({ code: 'invalid_body' }));
  });

  test.each([
    ['all', { seqs: 'all' }],
    ['17', { seqs: [17] }],
    ['17,18', { seqs: [17, 18] }],
  ])('?seqs=%s names which are dismissed', (value, expected) => {
    expect(readSeqs(value)).toEqual(expected);
  });

  test.each([undefined, '', '0', '1,', '1,1', '1.5', '-1', 'some', '9007199254740992', ['1', '2']])(
    '?seqs=%p names none, so that nothing is dismissed by mistake',
    (value) => {
      expect(() => readSeqs(value)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
    },
  );

  test('no more are named than a list holds', () => {
    const named = (count: number): string => Array.from({ length: count }, (_, index) => index + 1).join(',');
    expect(readSeqs(named(1_000)).seqs).toHaveLength(1_000);
    expect(() => readSeqs(named(1_001))).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });
});
