import { expect, test } from '@jest/globals';
import type { LogRecord } from '@docket/event';

import {
  createPublisher,
  createTransactionalWriter,
  fetchTopicOffsets,
  readPartition,
  readTopic,
} from '../src/index.ts';
import { deleteRecordsBefore, newKafkaWithTopics } from './kafka-for-tests.ts';

test('bounded reads: gaps in the offsets, a log that begins late, null keys and values, and an end beyond the end', async () => {
  const kafka = await newKafkaWithTopics(2);
  const topic = kafka.topics.events.name;
  const publisher = createPublisher(kafka);
  const plain = [1, 2, 3].map((n) => ({ key: null, partition: 0, value: n === 2 ? null : Buffer.from(String(n)) }));
  await publisher.publish(topic, plain);
  const [writer, successor] = [1, 2].map(() =>
    createTransactionalWriter(kafka, { transactionalId: `${topic}-t`, topic, onFenced: () => undefined }),
  );
  await writer?.write([{ key: 'in a transaction', value: Buffer.from('4') }]);
  // Resolves when the marker of that transaction is written.
  await successor?.acquire();
  await publisher.publish(topic, [{ key: 'last', partition: 0, value: Buffer.from('5') }]);
  await Promise.all([writer?.stop(), successor?.stop()]);
  await publisher.stop();
  await deleteRecordsBefore(kafka, topic, 1);

  const records: LogRecord[] = [];
  const range = await readPartition(kafka, {
    topic,
    partition: 0,
    from: 0,
    to: 1_000_000,
    onRecords: async (some) => void records.push(...some),
  });
  expect(range?.from).toBe(1);
  expect(records.map(({ key, value }) => [key?.toString() ?? null, value?.toString() ?? null])).toEqual([
    [null, null],
    [null, '3'],
    ['in a transaction', '4'],
    ['last', '5'],
  ]);
  expect(records.at(-1)?.offset).toBe((range?.to ?? 0) - 1);

  const some: number[] = [];
  await readPartition(kafka, {
    topic,
    partition: 0,
    from: 2,
    to: 3,
    onRecords: (batch) => void some.push(...batch.map(({ offset }) => offset)),
  });
  expect(some).toEqual([2]);
  const none = { topic, partition: 1, from: 0, to: 10, onRecords: () => undefined };
  expect(await readPartition(kafka, none)).toBeUndefined();
  expect(await fetchTopicOffsets(kafka, topic)).toEqual([
    { partition: 0, earliest: 1, end: range?.to },
    { partition: 1, earliest: 0, end: 0 },
  ]);
}, 60_000);

test('a reader that fails ends the read with its reason', async () => {
  const kafka = await newKafkaWithTopics(1);
  const reading = readTopic(kafka, {
    topic: kafka.topics.directory.name,
    onRecords: () => {
      throw new Error('no');
    },
  });
  await expect(reading).rejects.toMatchObject({ message: 'no' });
}, 60_000);
