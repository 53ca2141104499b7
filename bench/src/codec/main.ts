import { createBlock } from '@docket/clickhouse';
import {
  createColumnLedger,
  createDuplicateWindow,
  createEventCodec,
  createEventRows,
  createPartitionLedger,
  createRecordMac,
  eventColumns,
  type EventCodec,
  type EventRow,
  type LogRecord,
} from '@docket/event';
import { auditEventAvro } from '@docket/schemas';
import avro from 'avsc';
import { partitions, realisticRecords, refreshed } from './realistic-records.ts';

/**
 * What one record costs on its way from Avro bytes to the columns of a block, in CPU time of this process (garbage collection
 * included), the best of several rounds: avsc's decoding alone; the slow path (an object, its checks, its row); the fast path; and
 * the fast path for a writer whose fields come in another order. Checks that slow and fast rows are the same bytes.
 */
const batchRecords = 4_000;
const rounds = 120;
/** Some three quarters of what fits into 64 MiB; then the memory of a block is used again. */
const blockRows = 64_000;
const slowRounds = 6;

const type = avro.Type.forSchema(auditEventAvro as unknown as avro.Schema);
const ours = createEventCodec(auditEventAvro);
const foreignSchema = { ...auditEventAvro, fields: auditEventAvro.fields.toReversed() };
const foreignType = avro.Type.forSchema(foreignSchema as unknown as avro.Schema);
const foreign = createEventCodec(foreignSchema);
const records = realisticRecords(batchRecords);

const startWith = (codec: EventCodec) => ({
  generation: 1,
  partitions,
  heads: new Map<string, number>(),
  window: createDuplicateWindow(),
  decoderOf: () => codec.decode,
  mac: createRecordMac([]),
  codecOf: () => codec,
});

/** CPU ns per record: the best round. `prepare` is not timed. */
function best(
  count: number,
  prepare: (round: number) => readonly LogRecord[],
  run: (batch: readonly LogRecord[]) => void,
) {
  let least = Infinity;
  for (let round = 0; round < count; round += 1) {
    const batch = prepare(round);
    const before = process.cpuUsage();
    run(batch);
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, ((user + system) * 1000) / batch.length);
  }
  return Math.round(least);
}

function bodyOf({ value }: LogRecord): Buffer {
  return (value ?? Buffer.alloc(0)).subarray(5);
}

function turned(record: LogRecord): LogRecord {
  const body = foreignType.toBuffer(type.fromBuffer(bodyOf(record)));
  return { ...record, value: Buffer.concat([(record.value ?? Buffer.alloc(0)).subarray(0, 5), body]) };
}

/** Three blocks in turn, as the ingestor has them: one fills, others are on their way. */
function fastNs(codec: EventCodec, prepare: (round: number) => readonly LogRecord[]): number {
  const ledger = createColumnLedger(startWith(codec));
  const blocks = Array.from({ length: 3 }, () => {
    const block = createBlock<EventRow>(eventColumns);
    return { block, rows: createEventRows(block) };
  });
  let turn = 0;
  return best(rounds, prepare, (batch) => {
    const { block, rows } = blocks[turn % 3] ?? fail();
    for (const record of batch) ledger.enter(record, rows);
    if (block.rows <= blockRows) return;
    turn += 1;
    blocks[turn % 3]?.block.clear();
  });
}

function fail(): never {
  throw new Error('three blocks are three');
}

function slowNs(): number {
  const block = createBlock<EventRow>(eventColumns);
  const ledger = createPartitionLedger(startWith(ours));
  return best(
    slowRounds,
    (round) => refreshed(records, round),
    (batch) => {
      for (const record of batch) block.append(ledger.enter(record).row);
    },
  );
}

function expectSameRows(): void {
  const fast = createBlock<EventRow>(eventColumns);
  const slow = createBlock<EventRow>(eventColumns);
  const rows = createEventRows(fast);
  const [fastLedger, slowLedger] = [createColumnLedger(startWith(ours)), createPartitionLedger(startWith(ours))];
  for (const record of records) {
    fastLedger.enter(record, rows);
    slow.append(slowLedger.enter(record).row);
  }
  if (!Buffer.concat(fast.chunks()).equals(Buffer.concat(slow.chunks()))) throw new Error('slow and fast rows differ');
}

// The fast path first: in the ingestor, too, the slow one is seldom compiled beside it.
const fresh = (round: number) => refreshed(records, round);
const fast = fastNs(ours, fresh);
const other = fastNs(foreign, (round) => refreshed(records, round).map(turned));
const avscDecodeNs = best(rounds, fresh, (batch) => {
  for (const record of batch) type.fromBuffer(bodyOf(record));
});
const slow = slowNs();
expectSameRows();

const recordBytes = Math.round(records.reduce((sum, record) => sum + bodyOf(record).length, 0) / records.length);
const lines = [
  ['avsc decode alone', avscDecodeNs],
  ['slow path', slow],
  ['fast path', fast],
  ['fast path, another field order', other],
] as const;
for (const [name, ns] of lines) {
  process.stdout.write(
    `${name.padEnd(32)} ${String(ns).padStart(7)} ns a record ${Math.round(1e9 / ns)} records/s a core\n`,
  );
}
const result = {
  record_bytes: recordBytes,
  batch_records: batchRecords,
  avsc_decode_ns: avscDecodeNs,
  slow_path_ns: slow,
  fast_path_ns: fast,
  fast_path_other_layout_ns: other,
  fast_path_records_per_s: Math.round(1e9 / fast),
  fast_over_avsc_decode: Number((fast / avscDecodeNs).toFixed(2)),
};
process.stdout.write(`RESULT ${JSON.stringify(result)}\n`);
