import { createBlock, type Block } from '@docket/clickhouse';
import {
  createEventRows,
  createRowReader,
  eventColumns,
  type ColumnLedger,
  type EventRow,
  type EventRows,
  type LogRecord,
  type RowReader,
} from '@docket/event';
import type { BlockKind, QueuedBlock } from './block-queue.ts';
import type { IntakeOptions } from './intake.ts';
import { createRecordValues, type RecordValues } from './record-values.ts';
import type { Stray } from './reroute-mapper.ts';

/**
 * Rows of one month in the order of their partitions' offsets, on their way into one insert: one insert, one part. The rows are
 * columns from the start; nothing else is kept of a row, unless ClickHouse has refused a block: then the place of its record's value.
 */
export interface PendingBlock extends QueuedBlock {
  readonly columns: Block<EventRow>;
  readonly rows: EventRows;
  readonly reader: RowReader;
  /** Null when they are not kept. */
  readonly values: RecordValues | null;
  readonly strays: Stray[];
}

/** What the queue makes its blocks by. */
export function pendingBlocks(options: IntakeOptions): BlockKind<PendingBlock> {
  return { create: () => createPendingBlock(options), clear: clearPendingBlock };
}

/** Adds the record's row. */
export function enterRow(block: PendingBlock, record: LogRecord, ledger: Pick<ColumnLedger, 'enter'>): void {
  const tenantId = ledger.enter(record, block.rows);
  if (tenantId !== null) block.strays.push({ tenantId, record });
  block.values?.add(record.value);
}

function createPendingBlock({ keepsValues }: IntakeOptions): PendingBlock {
  const columns = createBlock<EventRow>(eventColumns);
  return {
    columns,
    get size() {
      return columns.rows;
    },
    rows: createEventRows(columns),
    reader: createRowReader((column) => columns.sinksOf(column)),
    values: keepsValues ? createRecordValues() : null,
    strays: [],
    bytes: 0,
    month: 0,
    openedAtMs: 0,
  };
}

function clearPendingBlock(block: PendingBlock): void {
  block.columns.clear();
  block.values?.clear();
  block.strays.length = 0;
}
