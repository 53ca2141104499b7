import { describe, expect, test } from '@jest/globals';
import {
  createColumnLedger,
  createDuplicateWindow,
  createEventCodec,
  createEventRows,
  createPartitionLedger,
  createRecordMac,
  createRowReader,
  encodeEvent,
  eventColumns,
  frameAvro,
  partitionOf,
  type EventRow,
  type LogRecord,
} from '@docket/event';
import { auditEventAvro } from '@docket/schemas';
import { createChance, eventFrom, type Chance } from '../../../event/test/event-maker.ts';
import { createBlock } from '../../src/index.ts';

const home = partitionOf('acme', 4);
const arrivalMs = Date.UTC(2026, 10, 23, 9);
const codec = createEventCodec(auditEventAvro);
const windowRecords = 9;

function start() {
  const window = createDuplicateWindow(windowRecords);
  const lookups = { decoderOf: () => codec.decode, codecOf: () => codec, mac: createRecordMac([]) };
  return { generation: 1, partitions: 4, heads: new Map<string, number>(), window, ...lookups };
}

/** Few ids in two contents, so that they repeat within the window and beyond it. */
function recordsFrom(chance: Chance, count: number): LogRecord[] {
  const valid = { tenant_id: 'acme', action: 'a.b', changes: [], resources: [], metadata: {}, occurred_at: null };
  const context = { ip: '', user_agent: '', country: '', session_id: '', request_id: '', trace_id: '' };
  const source = { service: '', version: '', instance: '', counter: 0 };
  const actor = { type: 'user', id: 'u', name: '', metadata: {} };
  const event = { ...eventFrom(chance, 'acme', arrivalMs), ...valid, context, source, actor, on_behalf_of: null };
  return Array.from({ length: count }, (_, offset) => {
    const id = `0199f3c2-7a1e-7c3d-9a55-${String(chance.upTo(4)).padStart(12, '0')}`;
    const value = encodeEvent({ ...event, id, outcome_reason: '', description: chance.pick(['one', 'two']) });
    const place = { partition: home, offset, timestampMs: arrivalMs, headers: {} };
    return { ...place, key: Buffer.from('acme'), value: chance.onceIn(9) ? null : frameAvro(1, value) };
  });
}

/** Statuses of rows whose database refuses some: by the ledger that is told of each when it comes to it. */
function statusesTold(
  records: readonly LogRecord[],
  refused: ReadonlySet<number>,
  ahead: readonly LogRecord[],
): string[] {
  const blocks = [createBlock<EventRow>(eventColumns), createBlock<EventRow>(eventColumns)] as const;
  const readers = blocks.map((block) => createRowReader((column) => block.sinksOf(column)));
  const rows = blocks.map(createEventRows);
  const ledger = createColumnLedger(start());
  const half = Math.ceil(records.length / 2);
  for (const [n, record] of records.entries()) {
    const into = rows[n < half ? 0 : 1];
    if (into !== undefined) ledger.enter(record, into);
  }
  const places = blocks.flatMap((block, b) =>
    Array.from({ length: block.rows }, (_, row) => ({ reader: readers[b], row, b })),
  );
  const found: string[] = [];
  for (const { reader, row, b } of places) {
    if (reader === undefined) continue;
    if (refused.has(reader.offsetAt(row)) && reader.statusAt(row) !== 'quarantined') {
      const waiting = blocks.flatMap((block, other) => {
        const later = readers[other];
        return later === undefined || other < b
          ? []
          : [{ reader: later, from: other === b ? row + 1 : 0, to: block.rows }];
      });
      ledger.withdraw({ reader, row }, waiting);
      found.push('quarantined');
    } else found.push(reader.statusAt(row));
  }
  const rest = createBlock<EventRow>(eventColumns);
  const restReader = createRowReader((column) => rest.sinksOf(column));
  const restRows = createEventRows(rest);
  ahead.forEach((record) => void ledger.enter(record, restRows));
  return [...found, ...ahead.map((_, row) => restReader.statusAt(row))];
}

/** The same by definition: a refused row was never an accepted event. */
function statusesDefined(records: readonly LogRecord[], refused: ReadonlySet<number>): string[] {
  const ledger = createPartitionLedger(start());
  return records.map((record) => {
    const { row } = ledger.enter(record);
    if (!refused.has(record.offset)) return row.status;
    ledger.retract();
    return 'quarantined';
  });
}

describe('a row that the database refuses', () => {
  test('decides nothing: what repeats it is judged as by a window that is refilled from what is stored', () => {
    for (let seed = 1; seed <= 400; seed += 1) {
      const chance = createChance(seed);
      const records = recordsFrom(chance, 60);
      const waiting = records.slice(0, 40);
      const refused = new Set(waiting.filter(() => chance.onceIn(5)).map(({ offset }) => offset));
      const told = statusesTold(waiting, refused, records.slice(40));
      expect({ seed, statuses: told }).toEqual({ seed, statuses: statusesDefined(records, refused) });
    }
  }, 60_000);

  test('a block gives any of its rows as a block of their own', () => {
    const block = createBlock<EventRow>(eventColumns);
    const slow = createPartitionLedger(start());
    const chance = createChance(3);
    const rows = Array.from({ length: 40 }, (_, offset) => {
      const value = frameAvro(1, encodeEvent(eventFrom(chance, 'acme', arrivalMs)));
      const place = { partition: home, offset, timestampMs: arrivalMs, headers: {} };
      return slow.enter({ ...place, key: Buffer.from('acme'), value }).row;
    });
    rows.forEach((row) => block.append(row));
    for (const [from, to] of [
      [0, 40],
      [0, 1],
      [39, 40],
      [7, 23],
      [20, 40],
    ] as const) {
      const expected = createBlock<EventRow>(eventColumns);
      rows.slice(from, to).forEach((row) => expected.append(row));
      expect(Buffer.concat(block.slice(from, to).chunks()).equals(Buffer.concat(expected.chunks()))).toBe(true);
    }
  });
});
