import { createRequire } from 'node:module';
import { expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import type { LogRecord } from '@docket/event';

import { decodeFetchAnswer } from '../src/fetch/fetch-answer.ts';
import { partOf } from '../src/fetch/fetched-part.ts';
import { changeKafkajs } from '../src/kafkajs-seams.ts';
import { toLogRecord } from '../src/log-record-mapper.ts';
import { encodeRecordBatch } from '../src/produce/record-batch-encoder.ts';
import { answerBytes, batchBytes } from './fetch/batch-bytes.ts';
import type { WrittenRecord } from './fetch/batch-bytes.ts';

const load = createRequire(import.meta.url);
const version11 = load('kafkajs/src/protocol/requests/fetch/v11/response.js');
const RequestQueue = load('kafkajs/src/network/requestQueue/index.js');

test('KAFKA_FETCH_DECODER: docket takes the place of kafkajs’ decoder, kafkajs leaves it its own, whatever was chosen before', () => {
  const own: unknown = version11.decode;
  changeKafkajs('docket');
  expect(version11.decode).toBe(decodeFetchAnswer);
  changeKafkajs('docket');
  changeKafkajs('kafkajs');
  expect(version11.decode).toBe(own);
});

const bytes = fc.option(fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)));
const record: fc.Arbitrary<WrittenRecord> = fc.record({
  timestampDelta: fc.integer({ min: -1_000, max: 2 ** 40 }),
  key: bytes,
  value: bytes,
  headers: fc.array(fc.tuple(fc.string({ maxLength: 10 }), bytes), { maxLength: 3 }),
});

test('both decoders give the same records, of plain batches and of gzip', () =>
  fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 10 }), fc.boolean(), async (records, isPacked) => {
      const packing = isPacked ? { attributes: 1, pack: (plain: Buffer) => gzipSync(plain) } : {};
      const recordSet = batchBytes({ baseOffset: 2n ** 40n, records, ...packing });
      const answer = answerBytes('t', [{ partition: 5, recordSet }]);
      changeKafkajs('kafkajs');
      const theirs = await version11.decode(answer);
      const ours = await decodeFetchAnswer(answer);
      const part = partOf(ours.responses[0]?.partitions[0]?.messages[0]);
      const expected: LogRecord[] = theirs.responses[0].partitions[0].messages.map(
        (message: Parameters<typeof toLogRecord>[1]) => toLogRecord(5, message),
      );
      expect(part).toEqual({ kind: 'records', records: expected, lastOffset: 2 ** 40 + records.length - 1 });
    }),
  ));

test('a connection without requests that wait sets no timer; one that is throttled still sends what waits', () => {
  changeKafkajs('docket');
  jest.useFakeTimers();
  try {
    const logger = { debug: () => undefined, warn: () => undefined };
    const queue = new RequestQueue({
      maxInFlightRequests: 1,
      requestTimeout: 1_000,
      clientId: 'c',
      broker: 'b',
      logger,
    });
    const sent: number[] = [];
    const push = (correlationId: number): void =>
      queue.push({
        entry: { correlationId, resolve: () => undefined, reject: () => undefined },
        expectResponse: true,
        sendRequest: () => sent.push(correlationId),
      });
    push(1);
    queue.fulfillRequest({ correlationId: 1, payload: Buffer.alloc(0), size: 0 });
    expect([sent, jest.getTimerCount()]).toEqual([[1], 0]);
    queue.maybeThrottle(500);
    push(2);
    expect([sent, jest.getTimerCount()]).toEqual([[1], 1]);
    jest.advanceTimersByTime(501);
    expect([sent, jest.getTimerCount()]).toEqual([[1, 2], 0]);
    // What waits behind others goes when they are answered.
    push(3);
    queue.fulfillRequest({ correlationId: 2, payload: Buffer.alloc(0), size: 0 });
    expect(sent).toEqual([1, 2, 3]);
  } finally {
    jest.useRealTimers();
  }
});

const produce = load('kafkajs/src/protocol/requests/produce/index.js');
const Encoder = load('kafkajs/src/protocol/encoder.js');

test('a produce request with a record batch has the layout of kafkajs’ own, in every version; one with messages stays kafkajs’', async () => {
  changeKafkajs('docket');
  changeKafkajs('docket');
  const value = encodeRecordBatch([{ key: 'acme', value: Buffer.from('x'), headers: { h: 'é' } }], 1_000);
  const requestOf = (version: number, messages: object[]) =>
    produce.protocol({ version })({
      acks: -1,
      timeout: 3_000,
      topicData: [{ topic: 'tópic', partitions: [{ partition: 9, messages }] }],
    });
  const bytesOf = async (made: { request: { encode(): Promise<object> } }): Promise<Buffer> =>
    new Encoder().writeEncoder(await made.request.encode()).buffer;
  for (const version of [3, 4, 5, 6, 7]) {
    const ours = requestOf(version, [{ partition: 9, value, isRecordBatch: true }]);
    const theirs = requestOf(version, [{ key: 'acme', value: Buffer.from('x'), headers: { h: 'é' } }]);
    expect(ours.response).toBe(theirs.response);
    expect(ours.request).toMatchObject({ apiKey: 0, apiVersion: version });
    const [oursBytes, theirsBytes] = [await bytesOf(ours), await bytesOf(theirs)];
    const headBytes = oursBytes.length - value.length;
    expect(oursBytes.subarray(0, headBytes)).toEqual(theirsBytes.subarray(0, headBytes));
    expect(oursBytes.subarray(headBytes)).toEqual(value);
    expect(theirsBytes.length).toBe(oursBytes.length);
  }
  expect(() => requestOf(2, [{ partition: 9, value, isRecordBatch: true }])).toThrow('version 2');
  expect(() => requestOf(7, [{ value }, { partition: 9, value, isRecordBatch: true }])).toThrow('mixes');
});
