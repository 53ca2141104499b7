import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';

import { createPartitionConsumer, dropTopics, ensureTopics, fetchCommits, fetchTopicId } from '../src/index.ts';
import type { KafkaClient } from '../src/index.ts';
import { newKafkaWithTopics, stopper } from './kafka-for-tests.ts';

async function committedBy(kafka: KafkaClient, groupId: string): Promise<unknown> {
  return Object.fromEntries(await fetchCommits(kafka, groupId, kafka.topics.events.name));
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (const endsAtMs = Date.now() + 20_000; !(await isSo());)
    if (Date.now() > endsAtMs) throw new Error('not within 20 s');
}

test('I4: a topic keeps its id, and another one of its name has another id and no commits', async () => {
  const running = stopper();
  const kafka = await newKafkaWithTopics(1);
  const topic = kafka.topics.events.name;
  const groupId = randomUUID();
  const id = await fetchTopicId(kafka, topic);
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  expect(await fetchTopicId(kafka, topic)).toBe(id);
  expect(await fetchTopicId(kafka, `${topic}.of-nobody`)).toBeNull();
  const consumer = running.add(
    createPartitionConsumer(kafka, {
      groupId,
      topic,
      onAssigned: ({ id: assignmentId }) => consumer.commit(assignmentId, 0, 7, 'a note'),
      onBatch: () => undefined,
      onPositionJump: () => undefined,
      onCrash: () => undefined,
    }),
  );
  consumer.start();
  await until(async () => JSON.stringify(await committedBy(kafka, groupId)) === '{"0":{"offset":7,"note":"a note"}}');
  await running.stopAll();
  await dropTopics(kafka);
  await until(async () => (await fetchTopicId(kafka, topic)) === null);
  await ensureTopics(kafka, { partitions: 1 });
  const another = await fetchTopicId(kafka, topic);
  expect(another).toMatch(/^[0-9a-f]{32}$/);
  expect(another).not.toBe(id);
  expect(await committedBy(kafka, groupId)).toEqual({});
}, 90_000);
