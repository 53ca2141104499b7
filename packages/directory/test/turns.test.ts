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
    const turns = createTurns({ waitingMax: 20 });
    const order: string[] = [];
    const results = await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        turns.take(
          'a',
          async () => {
            order.push(`${name} begins`);
            await Promise.resolve();
            order.push(`${name} ends`);
            return name;
          },
          hour,
        ),
      ),
    );
    expect(results).toEqual(['a', 'b', 'c']);
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  test('work that fails does not stop the next', async () => {
    const turns = createTurns({ waitingMax: 20 });
    const failing = turns.take('a', () => Promise.reject(new Error('no')), hour);
    const next = turns.take('a', () => Promise.resolve('yes'), hour);
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('yes');
  });

  test('changes do not wait behind one another for minutes while Kafka is away, and a late one is never made', async () => {
    const turns = createTurns({ waitingMax: 20 });
    const slow = task();
    const late = task();
    const first = turns.take('a', slow.work, hour);
    await expect(turns.take('a', late.work, 20)).rejects.toMatchObject({ code: 'kafka_unavailable' });
    slow.end('slow');
    expect(await first).toBe('slow');
    expect(await turns.take('a', () => Promise.resolve('next'), hour)).toBe('next');
    expect(late.hasBegun()).toBe(false);
  });

  test('work that takes too long is answered for, knows that it is late, and holds back the next one until it has ended', async () => {
    const turns = createTurns({ waitingMax: 20 });
    const slow = task();
    let isLate: () => boolean = () => false;
    const taken = turns.take(
      'a',
      (asked) => {
        isLate = asked;
        return slow.work();
      },
      20,
    );
    const next = task();
    const following = turns.take('a', next.work, hour);
    expect(isLate()).toBe(false);
    await expect(taken).rejects.toMatchObject({
      code: 'kafka_unavailable',
      message: expect.stringMatching(/look before/),
    });
    expect([isLate(), next.hasBegun()]).toEqual([true, false]);
    slow.end('slow');
    next.end('next');
    expect(await following).toBe('next');
  });

  test('I8: no more than the limit wait', async () => {
    const turns = createTurns({ waitingMax: 2 });
    const slow = task();
    const taken = [turns.take('a', slow.work, hour), turns.take('b', () => Promise.resolve('second'), hour)];
    await expect(turns.take('c', () => Promise.resolve('third'), hour)).rejects.toMatchObject({ code: 'overloaded' });
    slow.end('first');
    expect(await Promise.all(taken)).toEqual(['first', 'second']);
    expect(await turns.take('a', () => Promise.resolve('fourth'), hour)).toBe('fourth');
  });

  test('I7: who has many changes waiting keeps nobody else waiting behind all of them', async () => {
    const turns = createTurns({ waitingMax: 20 });
    const order: string[] = [];
    const change = (owner: string, name: string): Promise<unknown> =>
      turns.take(owner, async () => order.push(name), hour);
    await Promise.all([...['a1', 'a2', 'a3', 'a4'].map((name) => change('a', name)), change('b', 'b1')]);
    expect(order).toEqual(['a1', 'a2', 'b1', 'a3', 'a4']);
  });

  test('I7: one owner fills his own places, not the line, and has them again afterwards', async () => {
    const turns = createTurns({ waitingMax: 4 });
    const slow = task();
    const taken = [turns.take('a', slow.work, hour), turns.take('a', () => Promise.resolve('second'), hour)];
    await expect(turns.take('a', () => Promise.resolve('third'), hour)).rejects.toMatchObject({
      code: 'rate_limited',
      retryAfterSeconds: 1,
    });
    taken.push(turns.take('b', () => Promise.resolve('of another'), hour));
    slow.end('first');
    expect(await Promise.all(taken)).toEqual(['first', 'second', 'of another']);
    expect(await turns.take('a', () => Promise.resolve('fourth'), hour)).toBe('fourth');
  });

  test('I7: owners who each take all they get leave a place to one with a single change', async () => {
    const turns = createTurns({ waitingMax: 200 });
    const slow = task();
    const taken: Promise<string>[] = [];
    const counts = ['a', 'b', 'c', 'd'].map((owner) => {
      const before = turns.waiting();
      for (let place = 0; place < 200; place += 1) taken.push(turns.take(owner, slow.work, hour));
      return turns.waiting() - before;
    });
    expect(counts).toEqual([100, 50, 25, 12]);
    const revocation = turns.take('operator', () => Promise.resolve('revoked'), hour);
    slow.end('done');
    expect(await revocation).toBe('revoked');
    const refused = (await Promise.allSettled(taken)).filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(800 - 187);
    expect(turns.waiting()).toBe(0);
  });
});
