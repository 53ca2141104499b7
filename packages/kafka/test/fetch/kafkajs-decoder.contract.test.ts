import { expect, test } from '@jest/globals';

import { createPublisher, ensureTopics, readTopic } from '../../src/index.ts';
import { newKafka } from '../kafka-for-tests.ts';

test('KAFKA_FETCH_DECODER=kafkajs: what was published is read, by kafkajs’ own decoder', async () => {
  const kafka = newKafka({ KAFKA_FETCH_DECODER: 'kafkajs' });
  await ensureTopics(kafka, { partitions: 2 });
  const topic = kafka.topics.events.name;
  const publisher = createPublisher(kafka);
  const values = Array.from({ length: 20 }, (_, index) => String(index));
  const records = values.map((value, index) => ({
    key: null,
    partition: index % 2,
    value: Buffer.from(value),
    headers: { a: 'header' },
  }));
  await publisher.publish(topic, records);
  await publisher.stop();
  const found: string[] = [];
  await readTopic(kafka, {
    topic,
    onRecords: (read) => {
      for (const { value, headers } of read) found.push(`${value?.toString()} ${headers['a']?.toString()}`);
    },
  });
  expect(found.toSorted()).toEqual(values.map((value) => `${value} header`).toSorted());
}, 60_000);
