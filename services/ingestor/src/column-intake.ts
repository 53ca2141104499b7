import { createBlock, type Block } from '@docket/clickhouse';
import {
  createColumnLedger,
  createDuplicateWindow,
  eventColumns,
  readRecord,
  refusedRow,
  restoreWindow,
  windowRecords,
  type CodecLookup,
  type ColumnLedger,
  type EventRow,
  type LogRecord,
  type ReadingRules,
} from '@docket/event';
import { createBlockQueue, type BlockLimits } from './block-queue.ts';
import type { InsertableBlock, Intake, IntakeOptions } from './intake.ts';
import { enterRow, pendingBlocks, type PendingBlock } from './pending-block.ts';
import { isSameRecord } from './position-policy.ts';

/** Rows `from` to `to` of a block, the last not included. */
export interface ColumnPart extends InsertableBlock<ColumnPart> {
  readonly block: PendingBlock;
  readonly from: number;
  readonly to: number;
  /** What is inserted instead of the part's only row. */
  readonly replacement: EventRow | null;
}

export interface ColumnIntakeOptions extends ReadingRules, IntakeOptions {
  readonly generation: number;
  readonly codecOf: CodecLookup;
  readonly limits: BlockLimits;
  /** Decides nothing but places in a table (createDuplicateWindow). */
  readonly slotSeed: number;
  /** The idempotency window; smaller in tests only. */
  readonly windowRecords?: number;
}

interface OpenLedger {
  readonly ledger: ColumnLedger;
  /** Made once: it is called for every record. */
  readonly enter: (record: LogRecord, block: PendingBlock) => void;
}

/** The intake at the speed of the hardware: records become columns without an object for each. */
export function createColumnIntake(options: ColumnIntakeOptions): Intake<ColumnPart> {
  const { generation, partitions, decoderOf, codecOf, mac, limits, slotSeed } = options;
  const ledgers = new Map<number, OpenLedger>();
  const queue = createBlockQueue(limits, pendingBlocks(options));

  const ledgerOf = (partition: number): OpenLedger => {
    const ledger = ledgers.get(partition);
    if (ledger === undefined) throw new Error(`a record of partition ${partition}, which is not open`);
    return ledger;
  };

  return {
    open({ partition, heads, window: entries }) {
      const window = createDuplicateWindow(options.windowRecords ?? windowRecords, slotSeed);
      restoreWindow(window, entries);
      const seqs = new Map([...heads.values()].map((head) => [head.log, head.headSeq]));
      const start = { generation, partitions, heads: seqs, window, decoderOf, codecOf, mac };
      const ledger = createColumnLedger(start);
      ledgers.set(partition, { ledger, enter: (record, block) => enterRow(block, record, ledger) });
    },
    enter(record, nowMs) {
      queue.add(record, ledgerOf(record.partition).enter, nowMs);
    },
    noteBehind: (partition, offsets, nowMs) => queue.noteBehind(partition, offsets, nowMs),
    isStored(record, stored) {
      const reading = readRecord(record, options);
      const id = reading.kind === 'quarantined' ? reading.id : reading.event.id;
      const { offset, timestampMs: receivedAtMs } = record;
      return isSameRecord({ offset, receivedAtMs, log: reading.log, id }, stored);
    },
    take(nowMs) {
      const block = queue.take(nowMs);
      return block === undefined ? undefined : createColumnPart(block, 0, block.size);
    },
    release: ({ block }) => queue.release(block),
    refuse(part, message) {
      const { block, from: row } = part;
      const place = block.reader.placeAt(row);
      if (part.size !== 1) throw new Error('only a single row is quarantined');
      if (block.values === null) throw new Error('a row is quarantined whose value was not kept');
      if (part.replacement !== null || place.status === 'quarantined') return null;
      // All rows behind it are still here: in its block, and in those that wait.
      const behind = { reader: block.reader, from: row + 1, to: block.size };
      const waiting = queue.waiting().map(({ reader, size }) => ({ reader, from: 0, to: size }));
      ledgerOf(place.src_partition).ledger.withdraw({ reader: block.reader, row }, [behind, ...waiting]);
      return createColumnPart(block, row, row + 1, refusedRow(place, block.values.at(row), message));
    },
    dueInMs: (nowMs) => queue.dueInMs(nowMs),
    bytes: () => queue.bytes(),
  };
}

function createColumnPart(
  block: PendingBlock,
  from: number,
  to: number,
  replacement: EventRow | null = null,
): ColumnPart {
  const { reader, strays } = block;
  const lastRows = new Map<number, number>();
  for (let row = from; row < to; row += 1) lastRows.set(reader.partitionAt(row), row);
  const ends = new Map([...lastRows].map(([partition, row]) => [partition, reader.offsetAt(row) + 1]));
  return {
    block,
    from,
    to,
    replacement,
    size: to - from,
    ends,
    strays,
    halves() {
      const middle = from + Math.ceil((to - from) / 2);
      return [createColumnPart(block, from, middle), createColumnPart(block, middle, to)];
    },
  };
}

/** The columns that a part is inserted as; those of a whole block are its own. */
export function columnsOf({ block, from, to, replacement }: ColumnPart): Block<EventRow> {
  if (replacement !== null) {
    const columns = createBlock<EventRow>(eventColumns);
    columns.append(replacement);
    return columns;
  }
  return from === 0 && to === block.size ? block.columns : block.columns.slice(from, to);
}
