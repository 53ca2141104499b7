import { randomUUID } from 'node:crypto';
import { kafkaTool } from '@docket/local-stack';
import { spawnSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import type { LogRecord } from '@docket/event';

import { readTopic } from '../../src/index.ts';
import type { KafkaClient } from '../../src/index.ts';
import { kafkajsOf } from '../../src/kafka-client.ts';
import { newKafkaWithTopics } from '../kafka-for-tests.ts';

async function producerOf(kafka: KafkaClient, transactionalId?: string) {
  const options = transactionalId === undefined ? {} : { transactionalId, maxInFlightRequests: 1, idempotent: true };
  const producer = kafkajsOf(kafka, { requestTimeoutMs: 10_000, retries: 8 }).producer(options);
  await producer.connect();
  return producer;
}

async function readAll(kafka: KafkaClient): Promise<LogRecord[]> {
  const found: LogRecord[] = [];
  await readTopic(kafka, { topic: kafka.topics.events.name, onRecords: (records) => void found.push(...records) });
  return found;
}

const textsOf = (records: readonly LogRecord[]): (string | undefined)[] =>
  records.map(({ value }) => value?.toString());

test('I2: of aborted transactions that overlap nothing is read, whichever ends first, and nothing by the look of its key', async () => {
  const kafka = await newKafkaWithTopics(1);
  const topic = kafka.topics.events.name;
  const [first, second, plain] = await Promise.all([
    producerOf(kafka, randomUUID()),
    producerOf(kafka, randomUUID()),
    producerOf(kafka),
  ]);
  const outer = await first.transaction();
  const looksLikeAnAbort = Buffer.from([0, 0, 0, 0]);
  await outer.send({ topic, messages: [{ value: 'outer 1' }, { key: looksLikeAnAbort, value: 'outer 2' }] });
  const inner = await second.transaction();
  await inner.send({ topic, messages: [{ value: 'inner' }] });
  await outer.send({ topic, messages: [{ value: 'outer 3' }] });
  await plain.send({ topic, messages: [{ value: 'plain 1' }] });
  await inner.abort();
  await outer.send({ topic, messages: [{ value: 'outer 4' }] });
  await outer.abort();
  await plain.send({ topic, messages: [{ key: looksLikeAnAbort, value: 'plain 2' }] });
  await Promise.all([first, second, plain].map((producer) => producer.disconnect()));
  expect(textsOf(await readAll(kafka))).toEqual(['plain 1', 'plain 2']);
}, 60_000);

test.each(['gzip', 'snappy', 'lz4', 'zstd'])(
  'a batch that a Java producer compressed with %s is read',
  async (codec) => {
    const kafka = await newKafkaWithTopics(1);
    const topic = kafka.topics.events.name;
    const lines = Array.from({ length: 5_000 }, (_, index) => `${codec} ${index} ${'x'.repeat(index % 50)}`);
    const servers = kafka.settings.kafkaBrokers.join(',');
    const settings = `--bootstrap-server ${servers} --topic ${topic} --compression-codec ${codec}`;
    const batching = '--producer-property batch.size=200000 --producer-property linger.ms=500';
    const { command, args } = kafkaTool('ConsoleProducer', `${settings} ${batching}`.split(' '));
    const { status, stderr } = spawnSync(command, args, { input: lines.join('\n'), timeout: 60_000 });
    expect([status, stderr.toString()]).toEqual([0, expect.anything()]);
    expect(textsOf(await readAll(kafka))).toEqual(lines);
  },
  90_000,
);

test('a header without a value, or named like what every object has, is no other header', async () => {
  const kafka = await newKafkaWithTopics(1);
  const topic = kafka.topics.events.name;
  const producer = await producerOf(kafka);
  const headers = JSON.parse('{"__proto__": "one", "constructor": "two", "empty": ""}');
  await producer.send({ topic, messages: [{ value: 'a', headers }] });
  await producer.disconnect();
  const [record] = await readAll(kafka);
  expect(Object.entries(record?.headers ?? {}).map(([name, value]) => [name, value?.toString()])).toEqual([
    ['__proto__', 'one'],
    ['constructor', 'two'],
    ['empty', ''],
  ]);
}, 60_000);
