import { randomUUID } from 'node:crypto';
import { createBlock, insertBlock, type ClickHouse, type Guard } from '@docket/clickhouse';
import { eventColumns, refusedRow, type EventRow } from '@docket/event';

export interface RowToInsert {
  readonly expected: EventRow;
  /** Of its record. */
  readonly value: Buffer | null;
}

export type InsertedRows =
  | { readonly kind: 'stored' }
  /** ClickHouse refused one, which is stored as quarantined; those behind it are not stored, and have to be judged anew. */
  | { readonly kind: 'refused' }
  /** Another owner, or no answer: only the data can tell what is stored. */
  | { readonly kind: 'in_doubt'; readonly detail: string };

/** Inserts rows of one partition, in offset order, under the guard: one insert for each month, as an ingestor cuts its blocks. */
export async function insertRows(
  clickhouse: ClickHouse,
  guard: Guard,
  rows: readonly RowToInsert[],
): Promise<InsertedRows> {
  for (const ofMonth of byMonth(rows)) {
    const inserted = await insertMonth(clickhouse, guard, ofMonth);
    if (inserted.kind !== 'stored') return inserted;
  }
  return { kind: 'stored' };
}

async function insertMonth(clickhouse: ClickHouse, guard: Guard, rows: readonly RowToInsert[]): Promise<InsertedRows> {
  const [first] = rows;
  if (first === undefined) return { kind: 'stored' };
  const block = createBlock<EventRow>(eventColumns);
  for (const { expected } of rows) block.append(expected);
  const outcome = await insertBlock(clickhouse, { table: 'audit_events', block, guard, token: randomUUID() });
  if (outcome.ok) return { kind: 'stored' };
  const message = `Code ${outcome.code}: ${outcome.message}`;
  if (outcome.reason !== 'refused') return { kind: 'in_doubt', detail: message };
  if (rows.length > 1) {
    const middle = Math.ceil(rows.length / 2);
    const earlier = await insertMonth(clickhouse, guard, rows.slice(0, middle));
    return earlier.kind === 'stored' ? insertMonth(clickhouse, guard, rows.slice(middle)) : earlier;
  }
  if (first.expected.status === 'quarantined') throw new Error(`ClickHouse refuses even a quarantined row: ${message}`);
  const quarantined = refusedRow(first.expected, first.value, message);
  const stored = await insertMonth(clickhouse, guard, [{ expected: quarantined, value: first.value }]);
  return stored.kind === 'stored' ? { kind: 'refused' } : stored;
}

function byMonth(rows: readonly RowToInsert[]): RowToInsert[][] {
  const months: RowToInsert[][] = [];
  let current = '';
  for (const row of rows) {
    const month = new Date(row.expected.received_at).toISOString().slice(0, 7);
    if (month !== current) months.push([]);
    current = month;
    months.at(-1)?.push(row);
  }
  return months;
}
