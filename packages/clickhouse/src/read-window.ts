import type { ClickHouse } from './clickhouse-client.ts';
import { decodeWindowRows, type WindowRow } from './window-row-mapper.ts';

/** 2^18 rows of about 50 bytes: a second on a quiet server. */
const windowDeadlineMs = 60_000;

export interface WindowOf {
  readonly generation: number;
  readonly partition: number;
  /** How many of the partition's last records; default 2^18. */
  readonly rows: number;
  /** Offset of the partition's last stored record. */
  readonly lastOffset: number;
}

/**
 * The last `rows` stored records of a partition in offset order, whatever their status; fewer when fewer are stored.
 * Throws ClickHouseError.
 */
export async function readWindow(clickhouse: ClickHouse, window: WindowOf): Promise<WindowRow[]> {
  const { generation, partition, rows, lastOffset } = window;
  const fromOffset = await windowStart(clickhouse, window);
  const bytes = await clickhouse.queryBytes(
    `SELECT tenant_id, id, toInt8(status), content_hash FROM (
       SELECT tenant_id, id, status, content_hash, src_offset FROM audit_events
       WHERE src_generation = {generation:UInt16} AND src_partition = {partition:UInt16}
         AND src_offset BETWEEN {fromOffset:UInt64} AND {lastOffset:UInt64}
       ORDER BY src_offset DESC LIMIT {rows:UInt64}
     ) ORDER BY src_offset
     FORMAT RowBinary`,
    { generation, partition, fromOffset, lastOffset, rows },
    { deadlineMs: windowDeadlineMs },
  );
  return decodeWindowRows(bytes);
}

/**
 * An offset from which on at least `rows` records are stored, or 0. Offsets have gaps (aborted and control records), so
 * the span is doubled until it holds enough; i_offset keeps each look to the granules of that span.
 */
async function windowStart(clickhouse: ClickHouse, window: WindowOf): Promise<number> {
  const { generation, partition, rows, lastOffset } = window;
  for (let span = rows; ; span *= 2) {
    const fromOffset = Math.max(0, lastOffset - span + 1);
    if (fromOffset === 0) return 0;
    const [found] = await clickhouse.query<{ stored: number }>(
      `SELECT count() AS stored FROM audit_events
       WHERE src_generation = {generation:UInt16} AND src_partition = {partition:UInt16}
         AND src_offset BETWEEN {fromOffset:UInt64} AND {lastOffset:UInt64}`,
      { generation, partition, fromOffset, lastOffset },
      { deadlineMs: windowDeadlineMs },
    );
    if ((found?.stored ?? 0) >= rows) return fromOffset;
  }
}
