import { afterEach, expect, test } from '@jest/globals';

import { createTransactionalWriter, readTopic } from '../src/index.ts';
import type { KafkaClient, TransactionalWriter } from '../src/index.ts';
import { newKafkaWithTopics, stopper } from './kafka-for-tests.ts';

const running = stopper();
afterEach(() => running.stopAll(), 30_000);

function newWriter(kafka: KafkaClient, events: string[], name: string): TransactionalWriter {
  return running.add(
    createTransactionalWriter(kafka, {
      transactionalId: `${kafka.topics.directory.name}-writer`,
      topic: kafka.topics.directory.name,
      onAcquired: async () => void events.push(`${name} acquired`),
      onFenced: () => void events.push(`${name} fenced`),
    }),
  );
}

async function keysIn(kafka: KafkaClient, topic = kafka.topics.directory.name): Promise<string[]> {
  const keys: string[] = [];
  await readTopic(kafka, {
    topic,
    onRecords: (records) => void keys.push(...records.map(({ key }) => String(key))),
  });
  return keys;
}

const record = (key: string): { key: string; value: Buffer } => ({ key, value: Buffer.from('{}') });

test('a second writer fences the first, which never writes again and never fences back', async () => {
  const kafka = await newKafkaWithTopics(1);
  const events: string[] = [];
  const first = newWriter(kafka, events, 'first');
  expect(await first.acquire()).toEqual({ ok: true });
  expect(await first.write([record('a')])).toMatchObject({ ok: true });

  const second = newWriter(kafka, events, 'second');
  expect(await second.acquire()).toEqual({ ok: true });
  expect(await first.write([record('lost')])).toMatchObject({
    ok: false,
    reason: 'fenced',
    error: { code: 'writer_fenced' },
  });
  expect(await first.write([record('lost too')])).toMatchObject({ ok: false, reason: 'fenced' });
  const written = await second.write([record('b'), record('c')]);
  expect(written).toMatchObject({ ok: true });
  expect(events).toEqual(['first acquired', 'second acquired', 'first fenced']);

  // The third waits until the second's marker is written, so the topic shows all.
  expect(await newWriter(kafka, events, 'third').acquire()).toEqual({ ok: true });
  expect(await keysIn(kafka)).toEqual(['topology', 'a', 'b', 'c']);
}, 60_000);

test('writes that are asked for at once are made one after the other, each whole', async () => {
  const kafka = await newKafkaWithTopics(1);
  const writer = newWriter(kafka, [], 'w');
  const outcomes = await Promise.all(
    ['a', 'b', 'c'].map((key) => writer.write([record(`${key}1`), record(`${key}2`)])),
  );
  expect(outcomes.every(({ ok }) => ok)).toBe(true);
  await newWriter(kafka, [], 'next').acquire();
  expect(await keysIn(kafka)).toEqual(['topology', 'a1', 'a2', 'b1', 'b2', 'c1', 'c2']);
}, 60_000);

test('a writer whose preparation fails writes nothing, and prepares again for the next write', async () => {
  const kafka = await newKafkaWithTopics(1);
  let tries = 0;
  const writer = running.add(
    createTransactionalWriter(kafka, {
      transactionalId: `${kafka.topics.directory.name}-writer`,
      topic: kafka.topics.directory.name,
      onAcquired: async () => {
        tries += 1;
        if (tries === 1) throw new Error('not caught up');
      },
      onFenced: () => undefined,
    }),
  );
  expect(await writer.write([record('a')])).toMatchObject({ ok: false, reason: 'unavailable' });
  expect(await writer.write([record('b')])).toMatchObject({ ok: true });
  await newWriter(kafka, [], 'next').acquire();
  expect(await keysIn(kafka)).toEqual(['topology', 'b']);
}, 60_000);

test('a write that follows another before its markers are written waits for them instead of failing', async () => {
  const kafka = await newKafkaWithTopics(1);
  const writer = newWriter(kafka, [], 'w');
  const outcomes = await Promise.all(Array.from({ length: 60 }, (_, i) => writer.write([record(`k${i}`)])));
  expect(outcomes.filter(({ ok }) => !ok)).toEqual([]);
}, 60_000);

test('records of other topics are written in the same transaction, also more than one request may hold; a fenced writer’s are not', async () => {
  const kafka = await newKafkaWithTopics(2);
  const topic = kafka.topics.events.name;
  const value = Buffer.alloc(4_000, 'x');
  const beside = (name: string, count: number) =>
    Array.from({ length: count }, (_, n) => ({ topic, partition: n % 2, key: `${name}${n}`, value, headers: {} }));
  const first = newWriter(kafka, [], 'first');
  const written = await first.write([record('a'), record('b')], beside('e', 600));
  if (!written.ok) throw written.error;
  expect(await first.write([], beside('alone', 1))).toMatchObject({ ok: true, endOffset: 0 });
  const second = newWriter(kafka, [], 'second');
  await second.acquire();
  expect(await first.write([record('lost')], beside('lost', 3))).toMatchObject({ ok: false, reason: 'fenced' });
  expect(await second.write([record('c')], beside('f', 1))).toMatchObject({ ok: true });
  await newWriter(kafka, [], 'third').acquire();
  expect(await keysIn(kafka)).toEqual(['topology', 'a', 'b', 'c']);
  const numbers = Array.from({ length: 600 }, (_, n) => n);
  const keys = await keysIn(kafka, topic);
  const ofPartition = (partition: number) => numbers.filter((n) => n % 2 === partition).map((n) => `e${n}`);
  expect(keys.filter((key) => /^e\d*[02468]$/.test(key))).toEqual(ofPartition(0));
  expect(keys.filter((key) => /^e\d*[13579]$/.test(key))).toEqual(ofPartition(1));
  expect(keys.filter((key) => !key.startsWith('e')).toSorted()).toEqual(['alone0', 'f0']);
}, 60_000);
