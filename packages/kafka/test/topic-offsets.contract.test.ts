import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';

import { fetchHighWatermarks, fetchTopicOffsets } from '../src/index.ts';
import { kafkajsOf, untilDefined } from '../src/kafka-client.ts';
import { newKafkaWithTopics } from './kafka-for-tests.ts';

test('an open transaction ends what readers of committed records can reach, and not the partition', async () => {
  const kafka = await newKafkaWithTopics(2);
  const topic = kafka.topics.events.name;
  const client = kafkajsOf(kafka, { requestTimeoutMs: 10_000, retries: 8 });
  const [foreign, plain] = [
    client.producer({ transactionalId: randomUUID(), maxInFlightRequests: 1, idempotent: true }),
    client.producer(),
  ];
  await Promise.all([foreign.connect(), plain.connect()]);
  const send = { topic, messages: [{ partition: 0, value: 'plain' }] };
  await plain.send(send);
  const open = await foreign.transaction();
  await open.send({ topic, messages: [{ partition: 0, value: 'in it' }] });
  await plain.send(send);
  const endsOf = async () => (await fetchTopicOffsets(kafka, topic)).map(({ end }) => end);
  expect(await endsOf()).toEqual([1, 0]);
  expect([...(await fetchHighWatermarks(kafka, topic))]).toEqual([
    [0, 3],
    [1, 0],
  ]);
  await open.commit();
  await Promise.all([foreign.disconnect(), plain.disconnect()]);
  // Its marker takes an offset, a moment later.
  const isMarked = async () => ((await fetchHighWatermarks(kafka, topic)).get(0) === 4 ? true : undefined);
  await untilDefined(isMarked, { deadlineMs: 20_000, intervalMs: 100, what: 'the marker of the transaction' });
}, 60_000);
