import type { ClickHouse } from './clickhouse-client.ts';
import { insertQueryIdPrefix, isForeignInsert, type Guard } from './insert-sql-mapper.ts';

/** Longer than a server waits for a stalled sender (http_receive_timeout=3 in the ingest profile), with room to spare. */
const killDeadlineMs = 15_000;
/** What a look at the running queries may always take. */
const lookMs = 2_000;

export interface Claim {
  readonly generation: number;
  readonly partitions: readonly number[];
  /** A new UUID for every assignment. */
  readonly owner: string;
}

/**
 * Makes `owner` the owner of the partitions: from then on no other owner's insert is written, unless it was already
 * running (see killForeignInserts). Returns the partitions that it owns now; another that is missing was claimed by
 * somebody else at the same time, and the assignment is to be given up. Throws ClickHouseError.
 */
export async function claimPartitions(clickhouse: ClickHouse, claim: Claim): Promise<Set<number>> {
  const { generation, partitions, owner } = claim;
  const params = { generation, partitions, owner };
  await clickhouse.command(
    `INSERT INTO ingest_fence (generation, partition, epoch, owner)
     SELECT {generation:UInt16}, claimed.partition, fence.epoch + 1, {owner:UUID}
     FROM (SELECT arrayJoin({partitions:Array(UInt16)}) AS partition) AS claimed
     LEFT JOIN (
       SELECT partition, max(epoch) AS epoch FROM ingest_fence WHERE generation = {generation:UInt16} GROUP BY partition
     ) AS fence ON fence.partition = claimed.partition`,
    params,
    { settings: { async_insert: 0, join_use_nulls: 0 } },
  );
  return ownedPartitions(clickhouse, claim);
}

/** Those of the partitions that `owner` owns now. What was read of them since its claim is still true. Throws ClickHouseError. */
export async function ownedPartitions(clickhouse: ClickHouse, claim: Claim): Promise<Set<number>> {
  const rows = await clickhouse.query<{ partition: number }>(
    `SELECT partition FROM ingest_fence
     WHERE generation = {generation:UInt16} AND partition IN {partitions:Array(UInt16)}
     GROUP BY partition HAVING argMax(owner, (epoch, owner)) = {owner:UUID}`,
    { generation: claim.generation, partitions: claim.partitions, owner: claim.owner },
  );
  return new Set(rows.map(({ partition }) => partition));
}

/** No claim comes behind it: the next epoch would be 0. */
const lastEpoch = '18446744073709551615';

/**
 * Ends a generation for good: `owner` has its partitions, and no later claim succeeds. Gives the owner that has closed it:
 * another one when it was closed before. One operator at a time. Throws ClickHouseError.
 */
export async function closeGeneration(clickhouse: ClickHouse, claim: Claim): Promise<string> {
  const { generation, partitions, owner } = claim;
  const [closed] = await clickhouse.query<{ owner: string }>(
    `SELECT toString(owner) AS owner FROM ingest_fence WHERE generation = {generation:UInt16} AND epoch = {lastEpoch:UInt64} LIMIT 1`,
    { generation, lastEpoch },
  );
  if (closed !== undefined) return closed.owner;
  await clickhouse.command(
    `INSERT INTO ingest_fence (generation, partition, epoch, owner)
     SELECT {generation:UInt16}, arrayJoin({partitions:Array(UInt16)}), {lastEpoch:UInt64}, {owner:UUID}`,
    { generation, partitions, owner, lastEpoch },
    { settings: { async_insert: 0 } },
  );
  return owner;
}

export type KillOutcome =
  { readonly ok: true; readonly killed: number } | { readonly ok: false; readonly running: readonly string[] };

/**
 * Ends the inserts that other owners have under way for the claimed partitions, and waits until they have ended: what they
 * committed is then visible, and they commit nothing more. Call it after claimPartitions. After 15 s it gives up and names
 * the query ids that still run: the assignment fails. Throws ClickHouseError when it cannot look.
 */
export async function killForeignInserts(clickhouse: ClickHouse, claim: Claim): Promise<KillOutcome> {
  const { generation, partitions, owner } = claim;
  const guard: Guard = { generation, owners: new Map(partitions.map((partition) => [partition, owner.toLowerCase()])) };
  const prefix = insertQueryIdPrefix(generation);
  const startedAtMs = performance.now();
  const remainingMs = (): number => Math.max(lookMs, Math.ceil(killDeadlineMs - (performance.now() - startedAtMs)));
  const foreignInserts = async (): Promise<string[]> => {
    const rows = await clickhouse.query<{ query_id: string }>(
      `SELECT query_id FROM system.processes
       WHERE current_database = currentDatabase() AND startsWith(query_id, {prefix:String})`,
      { prefix },
      { deadlineMs: remainingMs() },
    );
    return rows.map(({ query_id: id }) => id).filter((id) => isForeignInsert(id, guard));
  };

  const found = await foreignInserts();
  if (found.length === 0) return { ok: true, killed: 0 };
  try {
    await clickhouse.command(
      'KILL QUERY WHERE current_database = currentDatabase() AND query_id IN {ids:Array(String)} SYNC',
      { ids: found },
      { deadlineMs: remainingMs() },
    );
  } catch {
    // The kill may have run out of time; what counts is what still runs.
  }
  const running = await foreignInserts();
  return running.length === 0 ? { ok: true, killed: found.length } : { ok: false, running };
}
