import { createLogger } from '@docket/runtime';
import { expect, test } from '@jest/globals';
import { KafkaJSProtocolError } from 'kafkajs';

import type { Entry, Group, PublishOutcome } from '../src/publish-lanes.ts';
import { sendAlone } from '../src/send-alone.ts';

const tooLarge = new KafkaJSProtocolError(
  Object.assign(new Error('too large'), { type: 'MESSAGE_TOO_LARGE', code: 10, retriable: false }),
);
const logger = createLogger({ service: 'test', level: 'silent' });

/** A partition that takes batches up to `bytesMax`, in place of Kafka's; `sizes` are those of the records that wait for it. */
function partitionOf(bytesMax: number, sizes: readonly number[]) {
  const taken: number[][] = [];
  const outcomes: PublishOutcome['ok'][] = [];
  let released = 0;
  const entries = sizes.map((bytes, index): Entry => {
    const entry: Entry = {
      record: { key: null, value: null, headers: {} },
      bytes,
      isSettled: false,
      settle: ({ ok }) => {
        entry.isSettled = true;
        outcomes[index] = ok;
      },
    };
    return entry;
  });
  const group: Group = { lane: { topic: 't', partition: 0, waiting: [], isBusy: true }, entries };
  const release = (given: readonly Entry[]): void => void (released += given.length);
  const trySend = async ([sent]: readonly Group[]): Promise<Error | undefined> => {
    const all = sent?.entries ?? [];
    if (all.reduce((sum, { bytes }) => sum + bytes, 0) > bytesMax) return tooLarge;
    taken.push(all.map(({ bytes }) => bytes));
    release(all);
    for (const entry of all.splice(0)) entry.settle({ ok: true, partition: 0, offset: 0 });
    return undefined;
  };
  const send = (firstError: Error, isItsOwn: boolean): Promise<void> =>
    sendAlone(group, firstError, isItsOwn, { trySend, release, logger });
  return { entries, taken, outcomes, send, released: () => released };
}

test('a batch that is too large is halved, in order, and nothing is rejected but what is too large alone', async () => {
  const partition = partitionOf(10, [4, 5, 6, 11, 7, 3, 2]);
  await partition.send(tooLarge, true);
  expect(partition.taken).toEqual([[4, 5], [6], [7, 3], [2]]);
  expect(partition.outcomes).toEqual([true, true, true, false, true, true, true]);
  expect(partition.released()).toBe(7);
});

test('I7: a failure that may be another partition’s halves nothing and rejects nothing', async () => {
  const partition = partitionOf(10, [4, 5]);
  await partition.send(tooLarge, false);
  expect([partition.taken, partition.outcomes]).toEqual([[[4, 5]], [true, true]]);
});

test('what has its outcome meanwhile is not sent any more', async () => {
  const partition = partitionOf(10, [11, 6, 7, 8]);
  partition.entries[3]?.settle({ ok: false, reason: 'unavailable', error: new Error('late') });
  await partition.send(tooLarge, true);
  expect(partition.taken).toEqual([[6], [7]]);
  expect(partition.outcomes).toEqual([false, true, true, false]);
  expect(partition.released()).toBe(4);
});
