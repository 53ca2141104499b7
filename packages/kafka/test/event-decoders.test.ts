import { expect, test } from '@jest/globals';
import type { LogRecord } from '@docket/event';
import { auditEventAvro } from '@docket/schemas';
import { createEventDecoders } from '../src/index.ts';
import { logger } from './kafka-for-tests.ts';

/** Decoders over a registry in memory, which counts what it is asked, and answers again at `backAtMs`. */
function decodersOf(ids: number[], backAtMs = 0) {
  const registry = { asked: 0 };
  let nowMs = 0;
  const clock = {
    nowMs: () => nowMs,
    async pause(ms: number): Promise<void> {
      nowMs += ms;
    },
  };
  const decoders = createEventDecoders(
    {
      async subjectIds() {
        registry.asked += 1;
        if (nowMs < backAtMs) throw new Error('away');
        return ids;
      },
      schemaById: async () => ({ ok: true, schema: auditEventAvro }),
    },
    'events-value',
    logger,
    clock,
  );
  /** How long it takes, in seconds. */
  const secondsOf = async (schemaIds: readonly number[]): Promise<number> => {
    const fromMs = nowMs;
    await decoders.prepare(recordsOf(schemaIds), new AbortController().signal);
    return (nowMs - fromMs) / 1_000;
  };
  const letPass = (seconds: number): void => {
    nowMs += seconds * 1_000;
  };
  return { registry, secondsOf, letPass, decoderOf: decoders.decoderOf };
}

/** Records that name these schema ids. */
function recordsOf(ids: readonly number[]): LogRecord[] {
  return ids.map((id, offset) => {
    const value = Buffer.alloc(8);
    value.writeUInt32BE(id, 1);
    return { partition: 0, offset, timestampMs: 0, key: null, value, headers: {} };
  });
}

const garbage = (from: number): number[] => Array.from({ length: 15_000 }, (_, index) => from + index);

test('a registry is asked for all unknown ids at once, twice a second', async () => {
  const { registry, secondsOf, decoderOf } = decodersOf([7]);
  expect(await secondsOf([...garbage(1_000), 7])).toBe(30);
  expect(registry.asked).toBe(61);
  expect(decoderOf(7)).toBeDefined();
  expect(decoderOf(1_000)).toBeUndefined();
});

test('a producer that names a new id in each record holds its partition up once a minute, not at every fetch', async () => {
  const { secondsOf } = decodersOf([]);
  expect(await secondsOf([1])).toBe(30);
  expect(await secondsOf([2])).toBe(2);
  expect(await secondsOf([2])).toBe(0);
});

test('a producer whose schema stays unknown holds its partition up once, and others are waited for as ever', async () => {
  const { secondsOf, letPass, decoderOf } = decodersOf([7]);
  expect(await secondsOf([1])).toBe(30);
  for (let minute = 0; minute < 3; minute += 1) {
    letPass(61);
    expect(await secondsOf([1, 7])).toBe(0);
  }
  expect(decoderOf(7)).toBeDefined();
  expect(await secondsOf([1, 2])).toBe(30);
  letPass(2 * 3_600);
  expect(await secondsOf([1])).toBe(30);
});

test('an id that was given up counts as soon as it is asked for anew', async () => {
  const ids: number[] = [];
  const { secondsOf, letPass, decoderOf } = decodersOf(ids);
  expect(await secondsOf([1])).toBe(30);
  ids.push(1);
  letPass(61);
  expect(await secondsOf([1])).toBe(0);
  expect(decoderOf(1)).toBeDefined();
});

test('with the registry away nothing is given up', async () => {
  const { secondsOf, decoderOf } = decodersOf([7], 120_000);
  expect(await secondsOf([7])).toBe(120);
  expect(decoderOf(7)).toBeDefined();
});
