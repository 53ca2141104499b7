import { afterAll, expect, test } from '@jest/globals';
import { partitionOf } from '@docket/event';

import { createPublisher, readTopic } from '../src/index.ts';
import { newKafka, newKafkaWithTopics, stopper } from './kafka-for-tests.ts';

const running = stopper();
afterAll(() => running.stopAll(), 30_000);

test('I1: an outcome names where the record is, and the record is there, in the order of the calls', async () => {
  const kafka = await newKafkaWithTopics(3);
  const publisher = running.add(createPublisher(kafka));
  await publisher.start();
  const topic = kafka.topics.events.name;
  const keys = ['acme', 'globex', 'initech', 'umbrella'];
  const calls = Array.from({ length: 200 }, (_, call) =>
    publisher.publish(
      topic,
      keys.map((key) => ({ key, value: Buffer.from(`${key} ${call}`), headers: { call: String(call) } })),
    ),
  );
  const outcomes = (await Promise.all(calls)).flat();

  const found = new Map<string, string>();
  const order = new Map<string, string[]>();
  await readTopic(kafka, {
    topic,
    onRecords: (records) => {
      for (const { partition, offset, key, value, headers, timestampMs } of records) {
        const [name, text] = [String(key), String(value)];
        found.set(`${partition}/${offset}`, text);
        order.set(name, [...(order.get(name) ?? []), text]);
        expect(partition).toBe(partitionOf(name, 3));
        expect(text).toBe(`${name} ${String(headers['call'])}`);
        expect(Math.abs(timestampMs - Date.now())).toBeLessThan(120_000);
      }
    },
  });
  outcomes.forEach((outcome, index) => {
    if (!outcome.ok) throw outcome.error;
    expect(found.get(`${outcome.partition}/${outcome.offset}`)).toBe(`${keys[index % 4]} ${Math.floor(index / 4)}`);
  });
  for (const key of keys) expect(order.get(key)).toEqual(Array.from({ length: 200 }, (_, call) => `${key} ${call}`));
  expect(publisher.stats().queuedBytes).toBe(0);
}, 60_000);

test('more than one request’s worth for one partition, null keys and tombstones', async () => {
  const kafka = await newKafkaWithTopics(2);
  const publisher = running.add(createPublisher(kafka));
  const topic = kafka.topics.events.name;
  const big = Array.from({ length: 30 }, (_, index) => ({ key: 'acme', value: Buffer.alloc(200 * 1024, index) }));
  const outcomes = await publisher.publish(topic, [
    ...big,
    { key: null, value: Buffer.from('x'), partition: 1 },
    { key: 'acme', value: null },
  ]);
  expect(outcomes.filter(({ ok }) => ok)).toHaveLength(32);
  const [refused] = await publisher.publish(topic, [{ key: null, value: Buffer.from('x') }]);
  expect(refused).toMatchObject({ ok: false, reason: 'rejected' });
}, 60_000);

test('a record that Kafka never takes is rejected and holds up nobody', async () => {
  const kafka = await newKafkaWithTopics(2);
  const publisher = running.add(createPublisher(kafka));
  const topic = kafka.topics.events.name;
  const [tooLarge, fine] = await Promise.all([
    publisher.publish(topic, [{ key: null, partition: 0, value: Buffer.alloc(2 * 1024 * 1024) }]),
    publisher.publish(topic, [{ key: null, partition: 1, value: Buffer.from('fine') }]),
  ]);
  expect(tooLarge).toMatchObject([{ ok: false, reason: 'rejected' }]);
  // They went in one request, which failed as a whole: the fine one was sent again, alone, and is there at least once.
  expect(fine).toMatchObject([{ ok: true, partition: 1 }]);
  expect(publisher.stats().queuedBytes).toBe(0);
}, 60_000);

test('I8: a full queue refuses at once; a Kafka that is away gives "unavailable" by the deadline and the bytes back', async () => {
  const kafka = newKafka({ KAFKA_BROKERS: '127.0.0.1:1' });
  const publisher = running.add(createPublisher(kafka, { deadlineMs: 1_000, queueBytesMax: 1_000 }));
  await publisher.start();
  const startedAtMs = Date.now();
  const waiting = publisher.publish('t', [{ key: 'a', value: Buffer.alloc(500) }]);
  expect(await publisher.publish('t', [{ key: 'a', value: Buffer.alloc(500) }])).toMatchObject([
    { ok: false, reason: 'overloaded' },
  ]);
  expect(await waiting).toMatchObject([{ ok: false, reason: 'unavailable', error: { code: 'kafka_unavailable' } }]);
  expect(Date.now() - startedAtMs).toBeLessThan(3_000);
  expect(publisher.stats().queuedBytes).toBe(0);
}, 30_000);

test('I8: once records were given up it is stalled while others wait, and not while none do, until one is acknowledged', async () => {
  const publisher = running.add(createPublisher(newKafka({ KAFKA_BROKERS: '127.0.0.1:1' }), { deadlineMs: 500 }));
  const record = { key: 'a', value: Buffer.alloc(10) };
  const first = publisher.publish('t', [record]);
  expect(publisher.stats().isStalled).toBe(false);
  await first;
  expect(publisher.stats().isStalled).toBe(false);
  const second = publisher.publish('t', [record]);
  expect(publisher.stats().isStalled).toBe(true);
  await second;

  const kafka = await newKafkaWithTopics(2);
  const healthy = running.add(createPublisher(kafka));
  const topic = kafka.topics.events.name;
  expect(await healthy.publish('no-such-topic', [record], 300)).toMatchObject([{ ok: false }]);
  expect(await healthy.publish(topic, [record])).toMatchObject([{ ok: true }]);
  const third = healthy.publish(topic, [record]);
  expect(healthy.stats().isStalled).toBe(false);
  await third;
}, 60_000);

test('after stop nothing is taken', async () => {
  const publisher = createPublisher(newKafka());
  await publisher.stop();
  expect(await publisher.publish('t', [{ key: 'a', value: null }])).toMatchObject([{ ok: false, reason: 'rejected' }]);
}, 30_000);
