import { describe, expect, test } from '@jest/globals';

import { createTurns } from '../src/turns.ts';

const hour = 3_600_000;

/** Work that ends when told to. */
function task(): { work: () => Promise<string>; end: (result: string) => void; hasBegun: () => boolean } {
  let end: (result: string) => void = () => undefined;
  const done = new Promise<string>((resolve) => (end = resolve));
  let begun = false;
  const work = (): Promise<string> => {
    begun = true;
    return done;
  };
  return { work, end: (result) => end(result), hasBegun: () => begun };
}

describe('turns', () => {
  test('one at a time, in order, each with its own result', async () => {
    const turns = createTurns({ waitingMax: 10, waitMsMax: hour });
    const order: string[] = [];
    const results = await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        turns.take(async () => {
          order.push(`${name} begins`);
          await Promise.resolve();
          order.push(`${name} ends`);
          return name;
        }),
      ),
    );
    expect(results).toEqual(['a', 'b', 'c']);
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  test('work that fails does not stop the next', async () => {
    const turns = createTurns({ waitingMax: 10, waitMsMax: hour });
    const failing = turns.take(() => Promise.reject(new Error('no')));
    const next = turns.take(() => Promise.resolve('yes'));
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('yes');
  });

  test('changes do not wait behind one another for minutes while Kafka is away, and a late one is never made', async () => {
    const turns = createTurns({ waitingMax: 10, waitMsMax: 20 });
    const slow = task();
    const late = task();
    const first = turns.take(slow.work);
    await expect(turns.take(late.work)).rejects.toMatchObject({ code: 'kafka_unavailable' });
    slow.end('slow');
    expect(await first).toBe('slow');
    expect(await turns.take(() => Promise.resolve('next'))).toBe('next');
    expect(late.hasBegun()).toBe(false);
  });

  test('the deadline is for the turn, not for the work', async () => {
    const turns = createTurns({ waitingMax: 10, waitMsMax: 5 });
    const slow = task();
    const outcome = turns.take(slow.work);
    await expect(turns.take(() => Promise.resolve('late'))).rejects.toMatchObject({ code: 'kafka_unavailable' });
    slow.end('done');
    expect(await outcome).toBe('done');
  });

  test('I8: no more than the limit wait', async () => {
    const turns = createTurns({ waitingMax: 2, waitMsMax: hour });
    const slow = task();
    const taken = [turns.take(slow.work), turns.take(() => Promise.resolve('second'))];
    await expect(turns.take(() => Promise.resolve('third'))).rejects.toMatchObject({ code: 'overloaded' });
    slow.end('first');
    expect(await Promise.all(taken)).toEqual(['first', 'second']);
    expect(await turns.take(() => Promise.resolve('fourth'))).toBe('fourth');
  });
});
