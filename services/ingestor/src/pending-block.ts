import { createBlock, type Block } from '@docket/clickhouse';
import {
  createEventRows,
  createRowReader,
  eventColumns,
  type EventRow,
  type EventRows,
  type EventStatus,
  type LogRecord,
  type RowReader,
} from '@docket/event';
import { createRecordValues, type RecordValues } from './record-values.ts';

/** A record that has to be published again, under the key `tenantId`, before its row is written. */
export interface Stray {
  readonly tenantId: string;
  readonly record: LogRecord;
}

/**
 * Rows of one month in the order of their partitions' offsets, on their way into one insert: one insert, one part. The rows are
 * columns from the start; nothing is kept for each of them but the place of its record's value.
 */
export interface PendingBlock {
  readonly columns: Block<EventRow>;
  readonly rows: EventRows;
  readonly reader: RowReader;
  readonly values: RecordValues;
  readonly strays: Stray[];
  /** As they came from Kafka, with what a row costs beside. */
  bytes: number;
  month: number;
  openedAtMs: number;
}

export function createPendingBlock(): PendingBlock {
  const columns = createBlock<EventRow>(eventColumns);
  return {
    columns,
    rows: createEventRows(columns),
    reader: createRowReader((column) => columns.sinksOf(column)),
    values: createRecordValues(),
    strays: [],
    bytes: 0,
    month: 0,
    openedAtMs: 0,
  };
}

export function clearPendingBlock(block: PendingBlock): void {
  block.columns.clear();
  block.values.clear();
  block.strays.length = 0;
  block.bytes = 0;
}

export interface BlockSummary {
  readonly rowsByStatus: ReadonlyMap<EventStatus, number>;
  /** By partition: the offset behind its last row. */
  readonly nextOffsets: ReadonlyMap<number, number>;
}

/** What `rows` rows of event columns hold. */
export function summaryOf(reader: RowReader, rows: number): BlockSummary {
  const rowsByStatus = new Map<EventStatus, number>();
  const lastRows = new Map<number, number>();
  for (let row = 0; row < rows; row += 1) {
    const status = reader.statusAt(row);
    rowsByStatus.set(status, (rowsByStatus.get(status) ?? 0) + 1);
    lastRows.set(reader.partitionAt(row), row);
  }
  const nextOffsets = new Map([...lastRows].map(([partition, row]) => [partition, reader.offsetAt(row) + 1]));
  return { rowsByStatus, nextOffsets };
}
