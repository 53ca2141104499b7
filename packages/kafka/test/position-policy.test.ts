import { describe, expect, test } from '@jest/globals';

import { judgeFetch, judgePassed } from '../src/position-policy.ts';
import type { Position, Verdict } from '../src/position-policy.ts';

const open = (nextOffset: number, rewinds = 0): Position => ({ nextOffset, isOpen: true, rewinds });

describe('I4: a position that kafkajs moved by itself is told, never followed', () => {
  const cases: [string, Position | undefined, number, boolean, Verdict][] = [
    ['begins where the last one ended', open(7), 7, false, 'deliver'],
    ['of a partition that is not ours', undefined, 7, false, 'drop'],
    ['of a paused partition', { ...open(7), isOpen: false }, 7, false, 'drop'],
    ['fetched before a seek', open(7), 7, true, 'drop'],
    ['begins before: once it may be left over', open(7), 0, false, 'rewind'],
    ['begins behind: once it may be left over', open(7), 9, false, 'rewind'],
    ['begins elsewhere again', open(7, 1), 0, false, 'jump'],
    ['is right again after a rewind', open(7, 1), 7, false, 'deliver'],
  ];
  test.each(cases)('a fetch that %s', (_name, position, fetchedOffset, isStale, verdict) => {
    expect(judgeFetch(position, { fetchedOffset, isStale })).toBe(verdict);
  });
});

describe('a fetch of control and aborted records only', () => {
  const cases: [string, Position | undefined, number | undefined, boolean, 'advance' | 'ignore' | 'jump'][] = [
    ['where it is expected', open(7), 7, false, 'advance'],
    ['before, after a reset', open(7), 0, false, 'jump'],
    ['behind, in a topic with dense offsets', open(7), 9, false, 'jump'],
    ['behind, where compaction made a gap', open(7), 9, true, 'advance'],
    ['before, in a compacted topic', open(7), 3, true, 'jump'],
    ['of a paused partition', { ...open(7), isOpen: false }, 7, false, 'ignore'],
    ['of a partition that is not ours', undefined, 7, false, 'ignore'],
    ['that compaction emptied', open(9), undefined, true, 'advance'],
  ];
  test.each(cases)('%s', (_name, position, firstOffset, isCompacted, verdict) => {
    expect(judgePassed(position, { firstOffset, lastOffset: 9 }, isCompacted)).toBe(verdict);
  });
});
