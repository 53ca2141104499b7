import { randomUUID } from 'node:crypto';
import { afterEach, expect, test } from '@jest/globals';
import { KafkaJSError } from 'kafkajs';

import { createPartitionConsumer, createPublisher } from '../src/index.ts';
import type { Assignment, KafkaClient, PartitionBatch, PartitionConsumer, PositionJump } from '../src/index.ts';
import { withAdmin } from '../src/kafka-client.ts';
import { deleteRecordsBefore, eventually, newKafkaWithTopics, stopper } from './kafka-for-tests.ts';

const running = stopper();
afterEach(() => running.stopAll(), 30_000);

async function publish(kafka: KafkaClient, partition: number, count: number): Promise<void> {
  const publisher = createPublisher(kafka);
  const records = Array.from({ length: count }, (_, index) => ({
    key: null,
    partition,
    value: Buffer.from(String(index)),
  }));
  const outcomes = await publisher.publish(kafka.topics.events.name, records);
  await publisher.stop();
  for (const outcome of outcomes) if (!outcome.ok) throw outcome.error;
}

interface Member {
  readonly consumer: PartitionConsumer;
  readonly assignments: Assignment[];
  readonly lost: string[];
  readonly batches: PartitionBatch[];
  readonly jumps: PositionJump[];
}

function member(
  kafka: KafkaClient,
  groupId: string,
  begin: (consumer: PartitionConsumer, assignment: Assignment) => void,
  paceMs = 0,
): Member {
  const assignments: Assignment[] = [];
  const lost: string[] = [];
  const batches: PartitionBatch[] = [];
  const jumps: PositionJump[] = [];
  const consumer = running.add(
    createPartitionConsumer(kafka, {
      groupId,
      topic: kafka.topics.events.name,
      paceMs,
      onAssigned: (assignment) => {
        assignments.push(assignment);
        begin(consumer, assignment);
      },
      onLost: (id) => void lost.push(id),
      onBatch: (batch) => void batches.push(batch),
      onPositionJump: (jump) => void jumps.push(jump),
      onCrash: (error) => {
        throw error;
      },
    }),
  );
  consumer.start();
  return { consumer, assignments, lost, batches, jumps };
}

const offsetsOf = (batches: readonly PartitionBatch[], partition = 0): number[] =>
  batches
    .filter((batch) => batch.partition === partition)
    .flatMap((batch) => batch.records.map(({ offset }) => offset));
const from = (first: number, end: number): number[] => Array.from({ length: end - first }, (_, index) => first + index);

test('nothing is handed out before resumeAt, and then from exactly that offset on', async () => {
  const kafka = await newKafkaWithTopics(1);
  await publish(kafka, 0, 10);
  const one = member(kafka, randomUUID(), () => undefined);
  await eventually('assigned', () => one.assignments.length === 1);
  expect(one.consumer.resumeAt('another', 0, 4)).toBe(false);
  const [assignment] = one.assignments;
  // Time enough for several fetches, if the partition were not paused.
  await publish(kafka, 0, 10);
  expect(one.batches).toEqual([]);
  expect(one.consumer.resumeAt(assignment?.id ?? '', 0, 4)).toBe(true);
  await eventually('the rest', () => offsetsOf(one.batches).length === 16);
  expect(offsetsOf(one.batches)).toEqual(from(4, 20));
  expect(one.batches[0]).toMatchObject({ assignmentId: assignment?.id, fetchedOffset: 4 });
  expect(one.jumps).toEqual([]);
}, 60_000);

test('pause holds a partition at its position; resume goes on without a gap or a repeat', async () => {
  const kafka = await newKafkaWithTopics(2);
  const one = member(kafka, randomUUID(), (consumer, { id, partitions }) => {
    for (const partition of partitions) consumer.resumeAt(id, partition, 0);
  });
  await eventually('assigned', () => one.assignments.length === 1);
  const id = one.assignments[0]?.id ?? '';
  await publish(kafka, 0, 5);
  await eventually('the first', () => offsetsOf(one.batches).length === 5);
  one.consumer.pause(id, 0);
  await publish(kafka, 0, 5);
  await publish(kafka, 1, 5);
  await eventually('the other partition', () => offsetsOf(one.batches, 1).length === 5);
  expect(offsetsOf(one.batches)).toEqual(from(0, 5));
  one.consumer.resume(id, 0);
  await eventually('the rest', () => offsetsOf(one.batches).length === 10);
  expect(offsetsOf(one.batches)).toEqual(from(0, 10));
  expect(one.jumps).toEqual([]);
}, 60_000);

test('with a pace, what comes one by one is fetched together, in order', async () => {
  const kafka = await newKafkaWithTopics(1);
  const paceMs = 100;
  const one = member(kafka, randomUUID(), (consumer, { id }) => void consumer.resumeAt(id, 0, 0), paceMs);
  await eventually('assigned', () => one.assignments.length === 1);
  const publisher = createPublisher(kafka);
  const beganAtMs = performance.now();
  const count = 60;
  for (let index = 0; index < count; index += 1)
    await publisher.publish(kafka.topics.events.name, [{ key: null, partition: 0, value: Buffer.from('x') }]);
  const elapsedMs = performance.now() - beganAtMs;
  await publisher.stop();
  await eventually('all', () => offsetsOf(one.batches).length === count);
  expect(offsetsOf(one.batches)).toEqual(from(0, count));
  expect(one.batches.length).toBeLessThanOrEqual(elapsedMs / paceMs + 3);
}, 60_000);

test('a second member: the first loses its assignment, both get a new one, and no partition has two owners', async () => {
  const kafka = await newKafkaWithTopics(4);
  const groupId = randomUUID();
  const one = member(kafka, groupId, () => undefined);
  await eventually('one assigned', () => one.assignments.length === 1);
  expect(new Set(one.assignments[0]?.partitions)).toEqual(new Set([0, 1, 2, 3]));
  const two = member(kafka, groupId, () => undefined);
  await eventually('both assigned', () => two.assignments.length > 0 && one.assignments.length > 1);
  expect(one.lost[0]).toBe(one.assignments[0]?.id);
  const last = (of: Member): readonly number[] => of.assignments.at(-1)?.partitions ?? [];
  await eventually('shared', () => last(one).length + last(two).length === 4);
  expect(new Set([...last(one), ...last(two)])).toEqual(new Set([0, 1, 2, 3]));
  await two.consumer.stop();
  await eventually('one alone', () => last(one).length === 4);
  expect(new Set(one.assignments.map(({ id }) => id)).size).toBe(one.assignments.length);
}, 60_000);

test('I4: records that retention took from under the position stop the partition', async () => {
  const kafka = await newKafkaWithTopics(1);
  await publish(kafka, 0, 10);
  await deleteRecordsBefore(kafka, kafka.topics.events.name, 8);
  const one = member(kafka, randomUUID(), (consumer, { id }) => void consumer.resumeAt(id, 0, 5));
  await eventually('a jump', () => one.jumps.length > 0);
  expect(one.jumps).toEqual([
    { assignmentId: one.assignments[0]?.id, partition: 0, expectedOffset: 5, foundOffset: 8 },
  ]);
  expect(one.batches).toEqual([]);
  // Only who asks for it goes on.
  one.consumer.resumeAt(one.assignments[0]?.id ?? '', 0, 8);
  await eventually('the rest', () => offsetsOf(one.batches).length === 2);
}, 60_000);

test('I4: a log that is shorter than the position stops the partition', async () => {
  const kafka = await newKafkaWithTopics(1);
  await publish(kafka, 0, 3);
  const one = member(kafka, randomUUID(), (consumer, { id }) => void consumer.resumeAt(id, 0, 1_000));
  await eventually('a jump', () => one.jumps.length > 0);
  expect(one.jumps).toMatchObject([{ partition: 0, expectedOffset: 1_000, foundOffset: 0 }]);
  expect(one.batches).toEqual([]);
}, 60_000);

test('a handler that fails ends the consumer; kafkajs would go on behind the batch', async () => {
  const kafka = await newKafkaWithTopics(1);
  const crashes: Error[] = [];
  let handed = 0;
  const consumer = running.add(
    createPartitionConsumer(kafka, {
      groupId: randomUUID(),
      topic: kafka.topics.events.name,
      onAssigned: ({ id }) => void consumer.resumeAt(id, 0, 0),
      onBatch: async () => {
        handed += 1;
        throw new Error('a bug');
      },
      onPositionJump: () => undefined,
      onCrash: (error) => void crashes.push(error),
    }),
  );
  consumer.start();
  await publish(kafka, 0, 1);
  await eventually('the crash', () => crashes.length === 1);
  await publish(kafka, 0, 1);
  expect(crashes[0]?.message).toBe('a bug');
  expect(handed).toBe(1);
  expect(consumer.assignment()).toBeUndefined();
}, 60_000);

test('a consumer that kafkajs gave up begins again, and not once it was told to stop', async () => {
  const kafka = await newKafkaWithTopics(1);
  await publish(kafka, 0, 1);
  const assignments: Assignment[] = [];
  const stops: Promise<void>[] = [];
  const groupId = randomUUID();
  const consumer = running.add(
    createPartitionConsumer(kafka, {
      groupId,
      topic: kafka.topics.events.name,
      onAssigned: (assignment) => {
        assignments.push(assignment);
        consumer.resumeAt(assignment.id, 0, 1_000);
      },
      onLost: () => {
        if (assignments.length === 2) stops.push(consumer.stop());
      },
      onBatch: () => undefined,
      // Named as what kafkajs throws when no broker answers: it ends the consumer, which may begin again.
      onPositionJump: () => {
        throw Object.assign(new KafkaJSError('planted'), { name: 'KafkaJSNoBrokerAvailableError' });
      },
      onCrash: (error) => {
        throw error;
      },
    }),
  );
  consumer.start();
  await eventually('the second crash', () => stops.length > 0);
  await Promise.all(stops);
  expect(consumer.assignment()).toBeUndefined();
  expect(assignments).toHaveLength(2);
  // Nothing of it is left that could join: a leftover would come back as a member of the group.
  const groups = await withAdmin(kafka, 10_000, (admin) => admin.describeGroups([groupId]));
  expect(groups.groups).toMatchObject([{ members: [] }]);
}, 60_000);

test('I7, I3: a handler that waits holds up its own partition only, and gets its next batch when it is done', async () => {
  const kafka = await newKafkaWithTopics(2);
  await publish(kafka, 0, 5);
  const handed: [number, number][] = [];
  const passed: number[] = [];
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const consumer = running.add(
    createPartitionConsumer(kafka, {
      groupId: randomUUID(),
      topic: kafka.topics.events.name,
      onAssigned: ({ id, partitions }) => {
        for (const partition of partitions) consumer.resumeAt(id, partition, 0);
      },
      onBatch: ({ partition, records }) => {
        for (const { offset } of records) handed.push([partition, offset]);
        return partition === 0 ? released : undefined;
      },
      onPosition: (partition, nextOffset) => {
        if (partition === 0) passed.push(nextOffset);
      },
      onPositionJump: (found) => {
        throw new Error(JSON.stringify(found));
      },
      onCrash: (error) => {
        throw error;
      },
    }),
  );
  consumer.start();
  const offsets = (wanted: number) => handed.filter(([partition]) => partition === wanted).map(([, offset]) => offset);
  await eventually('the batch that waits', () => offsets(0).length === 5);
  for (let round = 1; round <= 3; round += 1) {
    await publish(kafka, 0, 5);
    await publish(kafka, 1, 5);
    await eventually(`round ${round} of the other partition`, () => offsets(1).length === 5 * round);
  }
  expect([offsets(0), passed]).toEqual([from(0, 5), []]);
  // What was paused meanwhile goes on when its handler is done, and not before it is resumed.
  const { id = '' } = consumer.assignment() ?? {};
  consumer.pause(id, 0);
  consumer.resume(id, 0);
  release();
  await eventually('the rest', () => offsets(0).length === 20);
  expect(offsets(0)).toEqual(from(0, 20));
}, 60_000);
