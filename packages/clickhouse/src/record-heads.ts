import { randomUUID } from 'node:crypto';
import type { ClickHouse } from './clickhouse-client.ts';
import { guardSql, insertQueryId, type Guard } from './insert-sql-mapper.ts';

/** 100,000 logs a partition are a few million rows of the projection; a server under merges takes its time. */
const recordDeadlineMs = 120_000;

/** The server works on it beside inserts: one core, so that they do not feel it. */
const aside = { max_threads: 1, max_insert_threads: 1, async_insert: 0, optimize_use_projections: 1 };

/**
 * Writes down in log_heads where the logs of the guard's partitions stand, as far as it has changed since it was written down
 * last: one statement, in which no row leaves the server, from the few rows of the projection p_heads. The id and the time of
 * a head are written for the partition's last record only, by which its place is compared.
 *
 * Nothing is ever lowered: what is stored only grows, the row with the highest head wins, and it repeats what the one before
 * said of the log's first seq and of earlier generations. Whoever changes those, or removes rows, claims the partition first;
 * so this stands under the guard of a block insert, and under a query id by which killForeignInserts finds it: a stale owner's
 * write does not happen. Throws ClickHouseError, also when it is fenced.
 */
export async function recordHeads(clickhouse: ClickHouse, guard: Guard, signal?: AbortSignal): Promise<void> {
  const { generation, owners } = guard;
  await clickhouse.command(
    recordHeadsSql(guard),
    { generation, partitions: [...owners.keys()] },
    { settings: aside, deadlineMs: recordDeadlineMs, queryId: insertQueryId(guard, randomUUID()), signal },
  );
}

export function recordHeadsSql(guard: Guard): string {
  return `INSERT INTO log_heads (generation, partition, tenant_id, first_seq, head_seq, head_offset, head_id, head_received_at, base_seq, base_offset)
WITH
  stored AS (
    SELECT src_partition AS partition, tenant_id, max(seq) AS head_seq, max(src_offset) AS head_offset
    FROM audit_events
    WHERE src_generation = {generation:UInt16} AND src_partition IN {partitions:Array(UInt16)}
    GROUP BY src_generation, src_partition, tenant_id
  ),
  last AS (
    SELECT src_partition AS partition, tenant_id, src_offset, id, received_at FROM audit_events
    WHERE src_generation = {generation:UInt16} AND (src_partition, tenant_id, src_offset) IN (
      SELECT partition, argMax(tenant_id, head_offset), max(head_offset) FROM stored GROUP BY partition
    )
  ),
  recorded AS (
    SELECT partition, tenant_id, max(first_seq) AS first_seq, max(head_seq) AS head_seq, max(base_seq) AS base_seq, max(base_offset) AS base_offset
    FROM log_heads
    WHERE generation = {generation:UInt16} AND partition IN {partitions:Array(UInt16)}
    GROUP BY partition, tenant_id
  )
SELECT {generation:UInt16}, stored.partition, stored.tenant_id, greatest(recorded.first_seq, 1), stored.head_seq,
  stored.head_offset, last.id, last.received_at, recorded.base_seq, recorded.base_offset
FROM stored
LEFT JOIN recorded ON recorded.partition = stored.partition AND recorded.tenant_id = stored.tenant_id
LEFT JOIN last ON last.partition = stored.partition AND last.tenant_id = stored.tenant_id AND last.src_offset = stored.head_offset
WHERE ${guardSql(guard)} AND stored.head_seq > recorded.head_seq
SETTINGS join_use_nulls = 0`;
}
