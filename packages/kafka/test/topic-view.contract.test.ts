import { afterEach, expect, test } from '@jest/globals';
import type { LogRecord } from '@docket/event';

import { createPublisher, createTopicView, createTransactionalWriter } from '../src/index.ts';
import type { KafkaClient, TopicView } from '../src/index.ts';
import { eventually, newKafka, newKafkaWithTopics, stopper } from './kafka-for-tests.ts';

const running = stopper();
afterEach(() => running.stopAll(), 30_000);

function startView(kafka: KafkaClient, topic: string): { view: TopicView; records: LogRecord[] } {
  const records: LogRecord[] = [];
  const view = running.add(
    createTopicView(kafka, {
      topic,
      ageIntervalMs: 200,
      onRecord: (record) => void records.push(record),
      onCrash: (error) => {
        throw error;
      },
    }),
  );
  view.start();
  return { view, records };
}

const keysOf = (records: readonly LogRecord[]): string[] => records.map(({ key }) => String(key));

test('an empty topic is caught up at once, and followed', async () => {
  const kafka = await newKafkaWithTopics(3);
  const { view, records } = startView(kafka, kafka.topics.cursors.name);
  await view.waitUntilCaughtUp(20_000);
  const publisher = running.add(createPublisher(kafka));
  const [outcome] = await publisher.publish(kafka.topics.cursors.name, [{ key: 'a', value: Buffer.from('1') }]);
  if (outcome === undefined || !outcome.ok) throw new Error('not published');
  await view.waitUntilReached(outcome.partition, outcome.offset + 1, 10_000);
  expect(keysOf(records)).toEqual(['a']);
}, 60_000);

test('a topic that ends with a transaction marker is caught up; aborted and open transactions are not shown', async () => {
  const kafka = await newKafkaWithTopics(1);
  const topic = kafka.topics.directory.name;
  const writer = running.add(
    createTransactionalWriter(kafka, { transactionalId: `${topic}-t`, topic, onFenced: () => undefined }),
  );
  const written = await writer.write([
    { key: 'a', value: Buffer.from('1') },
    { key: 'b', value: null },
  ]);
  if (!written.ok) throw written.error;
  const { view, records } = startView(kafka, topic);
  await view.waitUntilCaughtUp(20_000);
  await view.waitUntilReached(0, written.endOffset, 10_000);
  expect(keysOf(records)).toEqual(['topology', 'a', 'b']);
  expect(records.at(-1)?.value).toBeNull();

  const again = await writer.write([{ key: 'c', value: Buffer.from('3') }]);
  if (!again.ok) throw again.error;
  await view.waitUntilReached(0, again.endOffset, 10_000);
  expect(keysOf(records)).toEqual(['topology', 'a', 'b', 'c']);
}, 60_000);

test('waiting ends with the deadline, and with stop', async () => {
  const kafka = newKafka({ KAFKA_BROKERS: '127.0.0.1:1' });
  const { view } = startView(kafka, kafka.topics.directory.name);
  expect(view.isCaughtUp()).toBe(false);
  await expect(view.waitUntilCaughtUp(500)).rejects.toMatchObject({ code: 'not_caught_up' });
  expect(view.ageMs()).toBeGreaterThanOrEqual(500);
  const waiting = view.waitUntilCaughtUp(60_000);
  const refused = expect(waiting).rejects.toMatchObject({ code: 'not_caught_up' });
  await view.stop();
  await refused;
}, 60_000);

test('how old a view may be is known while nothing changes', async () => {
  const kafka = await newKafkaWithTopics(1);
  const { view } = startView(kafka, kafka.topics.directory.name);
  await view.waitUntilCaughtUp(20_000);
  const atMs = performance.now();
  await eventually('a proof of later', () => view.ageMs() < performance.now() - atMs);
}, 60_000);
