import { randomUUID } from 'node:crypto';
import { claimPartitions, killForeignInserts, type ClickHouse, type Guard } from '@docket/clickhouse';

/**
 * Makes this process the owner of partitions, as an ingestor becomes it: fence, then clear. Until somebody else claims them, no
 * other insert is written; an ingestor that had them is fenced at its next one, and claims them again some seconds later.
 * Throws when another claim came in between, or an insert of another owner does not end.
 */
export async function ownPartitions(
  clickhouse: ClickHouse,
  wanted: { readonly generation: number; readonly partitions: readonly number[] },
): Promise<Guard> {
  const owner = randomUUID();
  const claim = { ...wanted, owner };
  const owned = await claimPartitions(clickhouse, claim);
  if (owned.size < wanted.partitions.length) throw new Error('another owner claimed the partitions at the same time');
  await clearForeign(clickhouse, { generation: wanted.generation, owners: ownersOf(wanted.partitions, owner) });
  return { generation: wanted.generation, owners: ownersOf(wanted.partitions, owner) };
}

/** Nothing of another owner is written after it. */
export async function clearForeign(clickhouse: ClickHouse, { generation, owners }: Guard): Promise<void> {
  const [owner = ''] = owners.values();
  const outcome = await killForeignInserts(clickhouse, { generation, partitions: [...owners.keys()], owner });
  if (!outcome.ok) throw new Error(`inserts of other owners still run: ${outcome.running.join(', ')}`);
}

export function ownersOf(partitions: readonly number[], owner: string): Map<number, string> {
  return new Map(partitions.map((partition) => [partition, owner]));
}
