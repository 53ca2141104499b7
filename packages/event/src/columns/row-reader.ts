import type { EventRow } from '../event-row.ts';
import type { PlacedRow } from '../partition-ledger.ts';
import type { EventStatus } from '../public-event.ts';
import { uuidPairs, type ByteSink } from './byte-sink.ts';
import { statusCodes } from './event-rows.ts';

/** Reads back, row by row, what a block of event rows says beside the events themselves. */
export interface RowReader {
  statusAt(row: number): EventStatus;
  /** Judges a row anew, in place. */
  setStatus(row: number, status: EventStatus): void;
  partitionAt(row: number): number;
  offsetAt(row: number): number;
  /** Unsigned 64 bits. */
  contentHashAt(row: number): bigint;
  /** The id's bytes in their column begin at 16 times the row. */
  readonly ids: ByteSink;
  /** Walks over all rows before it. */
  logAt(row: number): string;
  placeAt(row: number): PlacedRow;
}

const statusNames = new Map(Object.entries(statusCodes).map(([name, code]) => [code, name as EventStatus]));

export function createRowReader(sinksOf: (column: keyof EventRow) => readonly ByteSink[]): RowReader {
  const only = (column: keyof EventRow): ByteSink => {
    const [sink] = sinksOf(column);
    if (sink === undefined) throw new Error(`the column ${column} has no sink`);
    return sink;
  };
  const ids = only('id');
  const statuses = only('status');
  const partitions = only('src_partition');
  const contentHashes = only('content_hash');
  const uint64 = (column: keyof EventRow) => {
    const sink = only(column);
    return (row: number): number => Number(sink.view.getBigInt64(row * 8, true));
  };
  const offsetAt = uint64('src_offset');
  const seqAt = uint64('seq');
  const receivedAt = uint64('received_at');
  const logs = only('tenant_id');
  const schemaIds = only('schema_id');
  const generations = only('src_generation');
  const reader: RowReader = {
    ids,
    offsetAt,
    partitionAt: (row) => partitions.view.getUint16(row * 2, true),
    contentHashAt: (row) => contentHashes.view.getBigUint64(row * 8, true),
    logAt: (row) => textAt(logs, row),
    statusAt(row) {
      const status = statusNames.get(statuses.view.getUint8(row));
      if (status === undefined) throw new Error(`row ${row} has no status`);
      return status;
    },
    setStatus: (row, status) => statuses.view.setUint8(row, statusCodes[status]),
    placeAt: (row) => ({
      id: uuidAt(ids, row),
      tenant_id: textAt(logs, row),
      seq: seqAt(row),
      status: reader.statusAt(row),
      received_at: receivedAt(row),
      schema_id: schemaIds.view.getUint32(row * 4, true),
      src_generation: generations.view.getUint16(row * 2, true),
      src_partition: reader.partitionAt(row),
      src_offset: offsetAt(row),
    }),
  };
  return reader;
}

function textAt(sink: ByteSink, row: number): string {
  let at = 0;
  for (let before = 0; ; before += 1) {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = sink.view.getUint8(at++);
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if (before === row) return sink.buffer.toString('utf8', at, at + length);
    at += length;
  }
}

function uuidAt(sink: ByteSink, row: number): string {
  const text = Buffer.from('00000000-0000-0000-0000-000000000000');
  for (const [index, pair] of uuidPairs.entries()) {
    text.write(
      sink.view
        .getUint8(row * 16 + index)
        .toString(16)
        .padStart(2, '0'),
      pair,
      'latin1',
    );
  }
  return text.toString('latin1');
}
