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
import { createRecordValues, type RecordValues } from './record-values.ts';
import type { Stray } from './reroute-mapper.ts';

/**
 * Rows of one month in the order of their partitions' offsets, on their way into one insert: one insert, one part. The rows are
 * columns from the start; nothing is kept for each of them but the place of its record's value.
 */
export interface PendingBlock extends QueuedBlock {
  readonly columns: Block<EventRow>;
  readonly rows: EventRows;
  readonly reader: RowReader;
  readonly values: RecordValues;
  readonly strays: Stray[];
}

/** What the queue makes its blocks by. */
export const pendingBlocks: BlockKind<PendingBlock> = { create: createPendingBlock, clear: clearPendingBlock };

/** Adds the record's row. */
export function enterRow(block: PendingBlock, record: LogRecord, ledger: Pick<ColumnLedger, 'enter'>): void {
  const tenantId = ledger.enter(record, block.rows);
  if (tenantId !== null) block.strays.push({ tenantId, record });
  block.values.add(record.value);
}

export function createPendingBlock(): PendingBlock {
  const columns = createBlock<EventRow>(eventColumns);
  return {
    columns,
    get size() {
      return columns.rows;
    },
    rows: createEventRows(columns),
    reader: createRowReader((column) => columns.sinksOf(column)),
    values: createRecordValues(),
    strays: [],
    bytes: 0,
    month: 0,
    openedAtMs: 0,
  };
}

function clearPendingBlock(block: PendingBlock): void {
  block.columns.clear();
  block.values.clear();
  block.strays.length = 0;
}
