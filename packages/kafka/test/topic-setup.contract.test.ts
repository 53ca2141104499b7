import { expect, test } from '@jest/globals';
import { DocketError } from '@docket/runtime';

import { checkTopics, createKafka, ensureTopics, readTopology } from '../src/index.ts';
import { withAdmin } from '../src/kafka-client.ts';
import { logger, newKafka } from './kafka-for-tests.ts';

test('ensureTopics: two at once and once more make the same topics, and the count that was made is the recorded one', async () => {
  const kafka = newKafka();
  const first = await Promise.all([ensureTopics(kafka, { partitions: 3 }), ensureTopics(kafka, { partitions: 3 })]);
  expect(first.map(({ generation, partitions }) => ({ generation, partitions }))).toEqual([
    { generation: 1, partitions: 3 },
    { generation: 1, partitions: 3 },
  ]);
  expect(await ensureTopics(kafka, { partitions: 8 })).toEqual({ generation: 1, partitions: 3, created: [] });
  expect(await checkTopics(kafka)).toEqual({ generation: 1, partitions: 3 });
  expect(await readTopology(kafka)).toEqual({ generation: 1, partitions: 3 });
}, 60_000);

test('I1: checkTopics names everything that is wrong, each with its remedy', async () => {
  const kafka = newKafka();
  await expect(checkTopics(kafka)).rejects.toMatchObject({
    code: 'topic_misconfigured',
    message: expect.stringContaining('docket migrate'),
  });

  await withAdmin(kafka, 20_000, async (admin) => {
    await admin.createTopics({ topics: [{ topic: kafka.topics.events.name, numPartitions: 2 }] });
  });
  await ensureTopics(kafka, { partitions: 5 });
  const demanding = createKafka({ ...kafka.settings, kafkaReplicationFactor: 3 }, { logger, clientId: 'test' });
  const problem: unknown = await checkTopics(demanding).catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(DocketError);
  expect(String(problem)).toContain('message.timestamp.type=CreateTime');
  expect(String(problem)).toContain('at least 3 are demanded');
}, 60_000);

test('topics that are missing get the count that is there, whatever the setting says', async () => {
  const kafka = newKafka();
  const { events, cursors } = kafka.topics;
  await ensureTopics(kafka, { partitions: 2 });
  await withAdmin(kafka, 20_000, (admin) => admin.deleteTopics({ topics: [cursors.name] }));
  expect(await ensureTopics(kafka, { partitions: 5 })).toEqual({
    generation: 1,
    partitions: 2,
    created: [cursors.name],
  });
  expect(await checkTopics(kafka)).toEqual({ generation: 1, partitions: 2 });
  await withAdmin(kafka, 20_000, (admin) => admin.deleteTopics({ topics: [events.name] }));
  await ensureTopics(kafka, { partitions: 5 });
  expect(await checkTopics(kafka)).toEqual({ generation: 1, partitions: 2 });
}, 60_000);

test('a Kafka that is away is said to be away, within the deadline', async () => {
  const kafka = newKafka({ KAFKA_BROKERS: '127.0.0.1:1' });
  await expect(checkTopics(kafka)).rejects.toMatchObject({ code: 'kafka_unavailable' });
}, 30_000);
