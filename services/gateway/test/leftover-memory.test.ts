import { describe, expect, test } from '@jest/globals';

import { createLeftoverMemory } from '../src/leftover-memory.ts';

const mebibyte = 1024 * 1024;

/** Bytes of buffers that are held after so many have been used for a moment, beside those that were held before. */
function heldAfter(buffers: number, leave: (bytes: number) => void): number {
  const before = process.memoryUsage().arrayBuffers;
  for (let n = 0; n < buffers; n += 1) leave(Buffer.alloc(mebibyte).length);
  return process.memoryUsage().arrayBuffers - before;
}

describe('leftover memory', () => {
  test.each(['young', 'all'] as const)('I8: %s: buffers that are not used any more do not gather', (what) => {
    const leftovers = createLeftoverMemory(what, 4 * mebibyte);
    // What tests before have left does not count.
    createLeftoverMemory('all', 1).leave(1);
    // V8 by itself would begin to collect at 32 MiB; it sweeps what was collected in its own time.
    expect(heldAfter(28, leftovers.leave)).toBeLessThan(20 * mebibyte);
  });
});
