import { randomUUID } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { kafkaTool } from '@docket/local-stack';
import { afterEach, expect, test } from '@jest/globals';
import kafkajs from 'kafkajs';

import { createPartitionConsumer, readTopic } from '../src/index.ts';
import type { KafkaClient, PartitionConsumerOptions, UnreadableFetch } from '../src/index.ts';
import { kafkajsOf } from '../src/kafka-client.ts';
import { deleteRecordsBefore, eventually, newKafkaWithTopics, stopper } from './kafka-for-tests.ts';

const running = stopper();
afterEach(() => running.stopAll(), 30_000);

/** Sends each value as a batch of its own. */
async function send(kafka: KafkaClient, partition: number, values: readonly Buffer[], isZipped = false): Promise<void> {
  const producer = kafkajsOf(kafka, { requestTimeoutMs: 30_000, retries: 5 }).producer();
  await producer.connect();
  const compression = isZipped ? kafkajs.CompressionTypes.GZIP : kafkajs.CompressionTypes.None;
  for (const value of values) {
    const messages = [{ key: null, partition, value }];
    await producer.send({ topic: kafka.topics.events.name, messages, compression });
  }
  await producer.disconnect();
}

const texts = (partition: number, count: number): Buffer[] =>
  Array.from({ length: count }, (_, index) => Buffer.from(`${partition} ${index}`));

/** Reads all partitions from their beginnings. */
function follow(kafka: KafkaClient, options: Partial<PartitionConsumerOptions> = {}) {
  const found: { readonly partition: number; readonly offset: number }[] = [];
  const unreadable: UnreadableFetch[] = [];
  const jumps: number[] = [];
  const consumer = running.add(
    createPartitionConsumer(kafka, {
      groupId: randomUUID(),
      topic: kafka.topics.events.name,
      onAssigned: ({ id, partitions }) => {
        for (const partition of partitions) consumer.resumeAt(id, partition, 0);
      },
      onBatch: ({ records }) => void found.push(...records),
      onPositionJump: ({ foundOffset }) => void jumps.push(foundOffset),
      onUnreadable: (one) => void unreadable.push(one),
      onCrash: (error) => {
        throw error;
      },
      ...options,
    }),
  );
  consumer.start();
  const offsetsOf = (partition: number): number[] =>
    found.filter((record) => record.partition === partition).map(({ offset }) => offset);
  return { unreadable, jumps, offsetsOf, found };
}

/** The file in which the broker keeps the only segment of a partition. */
function segmentOf(kafka: KafkaClient, partition: number): string {
  const topic = kafka.topics.events.name;
  const servers = kafka.settings.kafkaBrokers.join(',');
  const { command, args } = kafkaTool('LogDirsCommand', [
    '--describe',
    '--bootstrap-server',
    servers,
    '--topic-list',
    topic,
  ]);
  const { stdout } = spawnSync(command, args, { timeout: 60_000 });
  const [, directory] = /"logDir":"([^"]+)"/.exec(stdout.toString()) ?? [];
  if (directory === undefined) throw new Error(`the broker does not say where it keeps ${topic}: ${stdout.toString()}`);
  return join(directory, `${topic}-${partition}`, '00000000000000000000.log');
}

/** Changes one byte of the broker's copy; again, and it is as before. */
async function flip(path: string, mark: string): Promise<void> {
  const file = await open(path, 'r+');
  const bytes = await file.readFile();
  const at = bytes.indexOf(mark) - 2;
  if (at < 0) throw new Error(`${path} does not hold ${mark}`);
  await file.write(Buffer.from([bytes.readUInt8(at) ^ 0x10]), 0, 1, at);
  await file.sync();
  await file.close();
}

test('I2, I7: a batch that is damaged is never read nor skipped; the others go on, and so does the partition when it is whole again', async () => {
  const kafka = await newKafkaWithTopics(2);
  for (const partition of [0, 1]) await send(kafka, partition, texts(partition, 6));
  const segment = segmentOf(kafka, 0);
  await flip(segment, '0 3');
  const one = follow(kafka);
  await eventually('a damaged batch', () => one.unreadable.length > 0);
  await eventually('the other partition', () => one.offsetsOf(1).length === 6);
  expect(one.unreadable[0]).toMatchObject({ partition: 0, failures: 1, batch: { offset: 3, reason: 'damaged' } });
  expect(one.offsetsOf(0)).toEqual([0, 1, 2]);
  await expect(readTopic(kafka, { topic: kafka.topics.events.name, onRecords: () => undefined })).rejects.toMatchObject(
    {
      cause: { message: expect.stringContaining('at offset 3 cannot be read: its CRC-32C does not fit its bytes') },
    },
  );
  await flip(segment, '0 3');
  await eventually('the rest', () => one.offsetsOf(0).length === 6, 40_000);
  expect([one.offsetsOf(0), one.jumps]).toEqual([[0, 1, 2, 3, 4, 5], []]);
}, 120_000);

test('I7, I8: a batch that unpacks to hundreds of megabytes stops its partition alone, until an operator removes it', async () => {
  const kafka = await newKafkaWithTopics(2);
  await send(kafka, 0, texts(0, 2));
  await send(kafka, 0, [Buffer.alloc(200 * 1024 * 1024)], true);
  await send(kafka, 0, texts(0, 2));
  await send(kafka, 1, texts(1, 3));
  const one = follow(kafka);
  await eventually('the bomb, twice', () => one.unreadable.length >= 2);
  expect(one.unreadable[1]).toMatchObject({
    partition: 0,
    failures: 2,
    batch: { offset: 2, lastOffset: 2, reason: 'too_large' },
  });
  await send(kafka, 1, texts(1, 3));
  await eventually('the other partition', () => one.offsetsOf(1).length === 6);
  expect([one.offsetsOf(0), one.jumps]).toEqual([[0, 1], []]);
  await deleteRecordsBefore(kafka, kafka.topics.events.name, 3);
  // Whoever owns the data decides what a removed record means.
  await eventually('the jump', () => one.jumps.length > 0, 40_000);
  expect([one.offsetsOf(0), one.jumps]).toEqual([[0, 1], [3]]);
}, 120_000);

test('I7: batches larger than a partition’s share of a fetch come while another partition is busy', async () => {
  const kafka = await newKafkaWithTopics(3);
  const share = 32 * 1024;
  const large = Array.from({ length: 3 }, () => Buffer.alloc(10 * share, 1));
  const busy = Array.from({ length: 300 }, () => Buffer.alloc(share / 2, 2));
  await Promise.all([send(kafka, 0, large), send(kafka, 1, busy), send(kafka, 2, large)]);
  const one = follow(kafka, { maxBytesPerPartition: share });
  await eventually('everything', () => one.found.length === busy.length + 2 * large.length, 40_000);
  const lastLarge = one.found.findLastIndex(({ partition }) => partition !== 1);
  // kafkajs asks for partitions in a new order each time. In a fixed one, one of the two would stand behind the busy partition, and
  // come after all of it: a broker gives a batch larger than the share only for the first partition that has any (KIP-74).
  expect(lastLarge).toBeLessThan(busy.length / 2);
}, 120_000);
