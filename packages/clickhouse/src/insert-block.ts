import { randomUUID } from 'node:crypto';
import type { ClickHouse } from './clickhouse-client.ts';
import { reasonOfInsertFailure, type FailureReason } from './error-policy.ts';
import { insertQueryId, insertSql, type Guard } from './insert-sql-mapper.ts';
import type { Block } from './native/block.ts';

/** A block of the default size takes about 0.6 s; a server under merges ten times that. */
const insertDeadlineMs = 30_000;

export type InsertOutcome =
  | { readonly ok: true }
  /**
   * `fenced`: another owner has taken a partition; nothing was written, and nothing will be.
   * `refused`: a value is bad; nothing was written, and the same block will be refused again.
   * `unavailable`: no telling whether it was written; send the same block again with the same token.
   */
  | { readonly ok: false; readonly reason: FailureReason; readonly code: number; readonly message: string };

export interface BlockInsert<Row> {
  readonly table: string;
  /** At least one row; all rows in one table partition. MUST NOT change until the promise settles. */
  readonly block: Block<Row>;
  /** Left out for tables that are not fenced. */
  readonly guard?: Guard;
  /**
   * Names the block. The table drops a block whose token it has seen among its last 1000, whatever the block holds: never
   * use a token for two blocks (I2).
   */
  readonly token: string;
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Inserts a block as one part, atomically, under the guard (I2, I4). Never throws for what ClickHouse answers; the
 * caller retries `unavailable` with the same token. Idempotent by token.
 */
export async function insertBlock<Row>(clickhouse: ClickHouse, insert: BlockInsert<Row>): Promise<InsertOutcome> {
  const { table, block, guard, token } = insert;
  if (block.rows === 0) throw new Error('a block without rows is not inserted');
  const sql = insertSql(table, block.columns, { guard, token });
  const answer = await clickhouse.send(sql, block.chunks(), {
    deadlineMs: insert.deadlineMs ?? insertDeadlineMs,
    signal: insert.signal,
    ...(guard === undefined ? {} : { queryId: insertQueryId(guard, randomUUID()) }),
  });
  if (answer.ok) return answer;
  return { ...answer, reason: reasonOfInsertFailure(answer.code, answer.message) };
}
