import { describe, expect, test } from '@jest/globals';
import {
  createColumnLedger,
  createDuplicateWindow,
  createEventCodec,
  createEventRows,
  createPartitionLedger,
  createRecordMac,
  encodeEvent,
  eventColumns,
  frameAvro,
  partitionOf,
  type EventCodec,
  type EventRow,
  type LogRecord,
} from '@docket/event';
import { auditEventAvro } from '@docket/schemas';
import { createChance, damaged, eventFrom, type Chance } from '../../../event/test/event-maker.ts';
import { createBlock } from '../../src/index.ts';

const partitions = 4;
const home = partitionOf('acme', partitions);
const arrivalMs = Date.UTC(2026, 10, 23, 9);
const ours = createEventCodec(auditEventAvro);
const mac = createRecordMac([Buffer.alloc(32, 1), Buffer.alloc(32, 2)]);

/** Nothing that would need the slow path. */
const plain = { occurred_at: null, changes: [], resources: [], metadata: {} };

type CodecLookup = (schemaId: number) => EventCodec | undefined;
const onlyOurs: CodecLookup = (schemaId) => (schemaId === 1 ? ours : undefined);

/** The bytes of the rows of all records: once by the fast path, once by its definition. And how many rows were fast. */
function bothWays(records: readonly LogRecord[], codecOf: CodecLookup = onlyOurs) {
  const start = () => ({
    generation: 1,
    partitions,
    heads: new Map([['acme', 7]]),
    window: createDuplicateWindow(256),
    mac,
  });
  const decoderOf = (schemaId: number) => codecOf(schemaId)?.decode;
  let slowRows = 0;
  const fast = createBlock<EventRow>(eventColumns);
  const rows = createEventRows({
    ...fast,
    append(row) {
      slowRows += 1;
      fast.append(row);
    },
  });
  const fastLedger = createColumnLedger({ ...start(), decoderOf, codecOf });
  const slow = createBlock<EventRow>(eventColumns);
  const slowLedger = createPartitionLedger({ ...start(), decoderOf });
  const reroutes: (string | null)[][] = [[], []];
  for (const record of records) {
    reroutes[0]?.push(fastLedger.enter(record, rows));
    const { row, rerouteTo } = slowLedger.enter(record);
    reroutes[1]?.push(rerouteTo);
    slow.append(row);
  }
  const isSame = Buffer.concat(fast.chunks()).equals(Buffer.concat(slow.chunks()));
  return {
    isSame: isSame && JSON.stringify(reroutes[0]) === JSON.stringify(reroutes[1]),
    fastRows: records.length - slowRows,
  };
}

function recordOf(value: Buffer | null, offset: number, changed: Partial<LogRecord> = {}): LogRecord {
  const place = { partition: home, offset, timestampMs: arrivalMs + offset, headers: {} };
  return { ...place, key: Buffer.from('acme'), value, ...changed };
}

/** Fails with the first record whose row differs: all of them in one block first, because that is quick. */
function expectSameRows(records: readonly LogRecord[], seed: number, codecOf: CodecLookup = onlyOurs): number {
  const { isSame, fastRows } = bothWays(records, codecOf);
  if (isSame) return fastRows;
  const wrong = records.find((record) => !bothWays([record], codecOf).isSame);
  throw new Error(`seed ${seed}: the rows differ, at the latest for ${wrong?.value?.toString('hex') ?? 'a sequence'}`);
}

function events(chance: Chance, count: number): LogRecord[] {
  let before = eventFrom(chance, 'acme', arrivalMs);
  return Array.from({ length: count }, (_, offset) => {
    const event = chance.onceIn(8)
      ? { ...before, ...(chance.onceIn(2) ? {} : { description: 'other' }) }
      : eventFrom(chance, 'acme', arrivalMs);
    before = event;
    return recordOf(frameAvro(1, encodeEvent(event)), offset);
  });
}

describe('the compiled path', () => {
  test('makes the same rows, to the byte, of random events', () => {
    let fastRows = 0;
    for (let seed = 1; seed <= 8; seed += 1) fastRows += expectSameRows(events(createChance(seed), 400), seed);
    expect(fastRows).toBeGreaterThan(8 * 400 * 0.4);
  }, 60_000);

  test('makes the same rows of records of every other kind', () => {
    const chance = createChance(7);
    const valid = events(createChance(3), 40);
    const others = valid.flatMap((record, n): LogRecord[] => [
      { ...record, offset: 100 * n, key: null },
      { ...record, offset: 100 * n + 2, value: null },
      { ...record, offset: 100 * n + 3, headers: { 'docket-reject': Buffer.from('invalid_event') } },
      { ...record, offset: 100 * n + 4, value: Buffer.concat([Buffer.from([1]), record.value ?? Buffer.alloc(0)]) },
      { ...record, offset: 100 * n + 5, value: frameAvro(9, Buffer.alloc(chance.upTo(3))) },
      { ...record, offset: 100 * n + 6, key: Buffer.from('docket.x') },
      { ...record, offset: 100 * n + 7, value: Buffer.alloc(n % 6) },
      { ...record, offset: 100 * n + 8, key: Buffer.from('not a tenant') },
      { ...record, offset: 100 * n + 9, timestampMs: -1 },
      { ...record, offset: 100 * n + 10 },
    ]);
    expectSameRows(others, 3);
    const strays = valid.map((record) => ({ ...record, partition: (home + 1) % partitions }));
    expect(expectSameRows(strays, 3)).toBe(0);
  });

  test('makes the same rows of our own events, with their MAC and with none or a wrong one', () => {
    const chance = createChance(11);
    const records = Array.from({ length: 200 }, (_, offset) => {
      const action = chance.onceIn(3) ? 'docketing.done' : 'docket.log.searched';
      const value = frameAvro(1, encodeEvent({ ...eventFrom(chance, 'acme', arrivalMs), ...plain, action }));
      const key = createRecordMac([Buffer.alloc(32, chance.upTo(3))]);
      const headers = chance.onceIn(4) ? {} : key.sign(chance.onceIn(4) ? 'globex' : 'acme', value);
      return recordOf(value, offset, { headers });
    });
    expect(expectSameRows(records, 11)).toBe(0);
    const reserved = records.map((record) => ({ ...record, key: Buffer.from('docket.x') }));
    expectSameRows(reserved, 11);
  });

  test.each([
    ['at its limits', 128, 64, 1],
    ['with a key over its limit', 129, 64, 0],
    ['with an address over its limit', 128, 65, 0],
  ])('holds the gateway’s stamp %s as its definition does', (_name, keyLength, addressLength, fastRows) => {
    for (const letter of ['x', '€']) {
      const ingest = { key_id: letter.repeat(keyLength), received_from: letter.repeat(addressLength) };
      const event = { ...eventFrom(createChance(3), 'acme', arrivalMs), ...plain, ingest };
      expect(expectSameRows([recordOf(frameAvro(1, encodeEvent(event)), 0)], 3)).toBe(fastRows);
    }
  });

  test('makes the same rows of damaged bytes, in 20,000 cases', () => {
    const chance = createChance(20_261_123);
    const whole = events(createChance(5), 1500).filter(({ value }) => (value?.length ?? 0) < 400);
    for (let round = 0; round < 10; round += 1) {
      const records = Array.from({ length: 2000 }, (_, offset) => {
        const bytes = whole[chance.upTo(whole.length - 1)]?.value ?? Buffer.alloc(0);
        const other = whole[chance.upTo(whole.length - 1)]?.value ?? Buffer.alloc(0);
        return recordOf(damaged(chance, bytes, other), offset);
      });
      expectSameRows(records, round);
    }
  }, 60_000);
});
