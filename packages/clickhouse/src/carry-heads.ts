import { randomUUID } from 'node:crypto';
import type { ClickHouse } from './clickhouse-client.ts';
import { guardSql, insertQueryId, type Guard } from './insert-sql-mapper.ts';

const carryDeadlineMs = 300_000;

/**
 * Leaves the heads of a generation to the next one: each log goes on behind its last seq, and each partition begins at the
 * offset of `startOffsets`. The generation MUST be closed (closeGeneration), and the next one not recorded yet: then nobody
 * writes the one, and nobody reads the other. Idempotent. Throws ClickHouseError.
 */
export async function carryHeads(
  clickhouse: ClickHouse,
  guard: Guard,
  startOffsets: ReadonlyMap<number, number>,
): Promise<void> {
  const partitions = [...startOffsets.keys()];
  const params = { generation: guard.generation, partitions, starts: [...startOffsets.values()] };
  await clickhouse.command(carryHeadsSql(guard), params, {
    settings: { async_insert: 0, optimize_use_projections: 1, max_insert_threads: 1 },
    deadlineMs: carryDeadlineMs,
    queryId: insertQueryId(guard, randomUUID()),
  });
}

/** The stray log stands for a partition that holds no other. */
function carryHeadsSql(guard: Guard): string {
  return `INSERT INTO log_heads (generation, partition, tenant_id, first_seq, head_seq, base_seq, base_offset)
SELECT {generation:UInt16} + 1, partition, tenant_id, max(first), max(head), max(head),
  arrayElement({starts:Array(UInt64)}, indexOf({partitions:Array(UInt16)}, partition))
FROM (
  SELECT src_partition AS partition, tenant_id, toUInt64(1) AS first, max(seq) AS head FROM audit_events
  WHERE src_generation = {generation:UInt16} AND src_partition IN {partitions:Array(UInt16)}
  GROUP BY src_generation, src_partition, tenant_id
  UNION ALL
  SELECT partition, tenant_id, greatest(first_seq, 1) AS first, head_seq AS head FROM log_heads
  WHERE generation = {generation:UInt16} AND partition IN {partitions:Array(UInt16)}
  UNION ALL
  SELECT arrayJoin({partitions:Array(UInt16)}) AS partition, concat('!p', toString(partition)) AS tenant_id, toUInt64(1) AS first, toUInt64(0) AS head
)
WHERE ${guardSql(guard)}
GROUP BY partition, tenant_id`;
}
