import { describe, expect, test } from '@jest/globals';

import { createJointWrite } from '../src/joint-write.ts';

describe('a joint write', () => {
  const begin = (write: (key: string, items: readonly number[]) => Promise<string> = async (key) => key) => {
    const written: string[] = [];
    const put = createJointWrite(async (key: string, items: readonly number[]) => {
      written.push(`${key}: ${items.join()}`);
      return write(key, items);
    });
    return { put, written };
  };

  test('writes what comes in one turn once, in order, and tells each of the outcome', async () => {
    const { put, written } = begin();
    expect(await Promise.all([put('a', [1, 2]), put('a', []), put('a', [3])])).toEqual(['a', 'a', 'a']);
    expect(written).toEqual(['a: 1,2,3']);
  });

  test('writes what comes while another write is under way by itself, without waiting for it', async () => {
    let end = (): void => undefined;
    const first = new Promise<void>((resolve) => {
      end = resolve;
    });
    const { put, written } = begin(async (_key, items) => {
      if (items.includes(1)) await first;
      return 'done';
    });
    const waiting = put('a', [1]);
    await put('b', [0]);
    await put('a', [2]);
    expect(written).toEqual(['a: 1', 'b: 0', 'a: 2']);
    end();
    expect(await waiting).toBe('done');
  });

  test('keeps keys apart, and a rejection is told to all of its own', async () => {
    const { put, written } = begin(async (key) => {
      if (key === 'bad') throw new Error('refused');
      return key;
    });
    const outcomes = await Promise.allSettled([put('bad', [1]), put('good', [2]), put('bad', [3])]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
    expect(written).toEqual(['bad: 1,3', 'good: 2']);
  });
});
