import { eventColumns, type EventRow, type StoredEventRow } from '@docket/event';

/** Columns that no reader of events needs and that never leave to tenants (I5). Complete by its type. */
const internalColumns: Readonly<Record<Exclude<keyof EventRow, keyof StoredEventRow>, true>> = {
  status_detail: true,
  commitment_seed: true,
  schema_id: true,
  content_hash: true,
  src_generation: true,
  src_partition: true,
  src_offset: true,
  raw: true,
};

const convertedColumns: ReadonlySet<string> = new Set(['occurred_at', 'received_at']);

/**
 * What to select for `storedEventOf`: the columns under their own names, the two times as integers under names of their
 * own, because ClickHouse would read an alias like `occurred_at` in WHERE and ORDER BY in place of the column.
 */
export const storedEventSelection: string = [
  ...eventColumns
    .map(({ name }) => name)
    .filter((name) => !(name in internalColumns) && !convertedColumns.has(name))
    .map((name) => `\`${name}\``),
  'toUnixTimestamp64Micro(occurred_at) AS occurred_at_us',
  'toUnixTimestamp64Milli(received_at) AS received_at_ms',
].join(', ');

/** A row of `storedEventSelection` as JSON. */
export type StoredEventJson = Omit<StoredEventRow, 'occurred_at' | 'received_at'> & {
  readonly occurred_at_us: number;
  readonly received_at_ms: number;
};

/** The row itself with its times, not a copy without the others: V8 keeps such a copy in dictionary form, and to read it costs ten times as much. */
export function storedEventOf(row: StoredEventJson): StoredEventRow {
  return Object.assign(row, { occurred_at: row.occurred_at_us, received_at: row.received_at_ms });
}

/**
 * The rows that follow `afterSeq` without a hole, in seq order: what stands behind a missing seq is not yet part of the
 * prefix that a reader may see. A seq that is there twice is taken once.
 */
export function contiguousRows<Row extends { readonly seq: number }>(rows: readonly Row[], afterSeq: number): Row[] {
  const taken: Row[] = [];
  let expected = afterSeq + 1;
  for (const row of rows) {
    if (row.seq < expected) continue;
    if (row.seq > expected) break;
    taken.push(row);
    expected++;
  }
  return taken;
}
