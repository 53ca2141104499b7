import { fencedText } from './error-policy.ts';
import type { BlockColumn } from './native/block.ts';

/** Under which ownership a block is inserted: the partitions whose rows it holds, and their owner. */
export interface Guard {
  readonly generation: number;
  /** Partition → owner (UUID): one entry for every partition of the block. */
  readonly owners: ReadonlyMap<number, string>;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Keep a block whole: one block, one part, one commit. Verified against system.parts in insert-block.contract.test.ts. */
const oneBlockSettings = {
  async_insert: 0,
  max_partitions_per_insert_block: 1,
  throw_on_max_partitions_per_insert_block: 1,
  max_insert_threads: 1,
  max_insert_block_size: 4_000_000,
  max_insert_block_size_bytes: 0,
  min_insert_block_size_rows: 4_000_000,
  min_insert_block_size_bytes: 2_000_000_000,
  max_block_size: 4_000_000,
  input_format_parallel_parsing: 0,
  insert_deduplicate: 1,
};

/** The statement that inserts a Native block. Names and types come from our own declarations, never from data. */
export function insertSql(
  table: string,
  columns: readonly BlockColumn[],
  { guard, token }: { readonly guard?: Guard | undefined; readonly token: string },
): string {
  const names = columns.map(({ name }) => quotedName(name)).join(', ');
  const structure = columns.map(({ name, type }) => `${quotedName(name)} ${type}`).join(', ');
  const settings = Object.entries({ ...oneBlockSettings, insert_deduplication_token: quotedText(token) });
  return [
    `INSERT INTO ${quotedName(table)} (${names})`,
    `SETTINGS ${settings.map(([name, value]) => `${name} = ${value}`).join(', ')}`,
    `SELECT ${names} FROM input(${quotedText(structure)})`,
    ...(guard === undefined ? [] : [`WHERE ${guardSql(guard)}`]),
    'FORMAT Native',
  ].join('\n');
}

/**
 * Throws in ClickHouse, before a row is read, unless every partition of the block still has the owner that inserts it.
 * The comparison is one scalar, evaluated after the query is visible in system.processes: a new owner first fences, then
 * kills what it sees, so that an insert either sees the fence or is seen by the kill (I2).
 */
export function guardSql({ generation, owners }: Guard): string {
  if (owners.size === 0) throw new Error('a guard without partitions guards nothing');
  const pairs = [...owners].sort(([a], [b]) => a - b);
  const partitions = pairs.map(([partition]) => wholeNumber(partition)).join(', ');
  const expected = pairs.map(([partition, owner]) => `(${wholeNumber(partition)}, '${ownerText(owner)}')`).join(', ');
  return (
    `throwIf((SELECT arraySort(groupArray((partition, owner))) FROM (` +
    `SELECT partition, argMax(owner, (epoch, owner)) AS owner FROM ingest_fence ` +
    `WHERE generation = ${wholeNumber(generation)} AND partition IN (${partitions}) GROUP BY partition)) ` +
    `!= CAST([${expected}] AS Array(Tuple(UInt16, UUID))), '${fencedText}') = 0`
  );
}

const insertIdPrefix = 'docket-insert';

/**
 * The query id of a guarded insert: who inserts rows of which partitions. `nonce` keeps two tries apart, because
 * ClickHouse refuses a second query with the id of a running one.
 */
export function insertQueryId({ generation, owners }: Guard, nonce: string): string {
  const pairs = [...owners].map(([partition, owner]) => `${wholeNumber(partition)}.${ownerText(owner)}`);
  return [insertIdPrefix, wholeNumber(generation), pairs.join('_'), nonce].join('/');
}

/** Whether a running query inserts rows of one of these partitions for another owner. Query ids of others are never foreign. */
export function isForeignInsert(queryId: string, guard: Guard): boolean {
  const [prefix, generation, pairs] = queryId.split('/');
  if (prefix !== insertIdPrefix || generation !== String(guard.generation) || pairs === undefined) return false;
  return pairs.split('_').some((pair) => {
    const [partition = '', owner = ''] = pair.split('.');
    const claimedBy = guard.owners.get(Number(partition));
    return claimedBy !== undefined && claimedBy !== owner;
  });
}

/** The beginning of every guarded insert's query id in a generation. */
export function insertQueryIdPrefix(generation: number): string {
  return `${insertIdPrefix}/${wholeNumber(generation)}/`;
}

function ownerText(owner: string): string {
  if (!uuid.test(owner)) throw new Error('an owner is a UUID');
  return owner.toLowerCase();
}

function wholeNumber(value: number): string {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff) throw new Error(`not a UInt16: ${value}`);
  return String(value);
}

function quotedName(name: string): string {
  return `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;
}

function quotedText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
