import { expect, test } from '@jest/globals';

import { createVisibility } from '../../src/fetch/visibility-policy.ts';
import type { AbortedTransaction } from '../../src/fetch/visibility-policy.ts';

interface Written {
  readonly producer: bigint;
  readonly marker?: 'abort' | 'commit';
}

/** The offsets that are shown of a log with one record at each offset from `from` on. */
function shown(from: number, written: readonly Written[], aborted: readonly AbortedTransaction[]): number[] {
  const judge = createVisibility(aborted);
  return written.flatMap(({ producer, marker }, index) => {
    const batch = {
      lastOffset: from + index,
      producerId: producer,
      isTransactional: producer > 0n,
      isControl: marker !== undefined,
      isAbortMarker: marker === 'abort',
    };
    return judge(batch) === 'shown' ? [from + index] : [];
  });
}

test('I2: transactions that overlap are hidden from their own beginning to their own marker', () => {
  const log: Written[] = [
    { producer: 1n },
    { producer: 2n },
    { producer: 1n },
    { producer: 0n },
    { producer: 2n, marker: 'abort' },
    { producer: 1n },
    { producer: 2n },
    { producer: 1n, marker: 'abort' },
    { producer: 1n },
    { producer: 1n, marker: 'commit' },
    { producer: 2n, marker: 'commit' },
  ];
  // In the broker's order: the inner one ended first.
  const aborted = [
    { producerId: 2n, firstOffset: 1n },
    { producerId: 1n, firstOffset: 0n },
  ];
  expect(shown(0, log, aborted)).toEqual([3, 6, 8]);
});

test('I2: a fetch that begins inside of two aborted transactions hides both from its first record on', () => {
  const log: Written[] = [{ producer: 2n }, { producer: 1n }, { producer: 0n }];
  const aborted = [
    { producerId: 1n, firstOffset: 3n },
    { producerId: 2n, firstOffset: 7n },
  ];
  expect(shown(50, log, aborted)).toEqual([52]);
});
