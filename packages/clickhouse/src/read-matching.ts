import { scopeSearch, statusesByDefault, type Search } from '@docket/event';
import type { ClickHouse, RequestOptions } from './clickhouse-client.ts';
import { scopedConditions } from './search-sql-mapper.ts';
import { createBinder, type Statement } from './statement-binder.ts';

/** The events of a log that a search finds, accepted and conflicting ones, received in a time. */
export interface MatchingQuery {
  readonly tenantId: string;
  readonly search: Search;
  /** ms since the epoch, included. */
  readonly receivedFromMs: number;
  /** ms since the epoch, excluded. */
  readonly receivedUntilMs: number;
}

export interface Matching {
  readonly events: number;
  /** 0 without events. */
  readonly firstSeq: number;
  readonly lastSeq: number;
}

function statementOf({ tenantId, search, receivedFromMs, receivedUntilMs }: MatchingQuery): Statement {
  const binder = createBinder();
  const conditions = scopedConditions(
    scopeSearch(search, { tenantId, statuses: statusesByDefault, own: null }),
    binder,
  );
  const [from, until] = [receivedFromMs, receivedUntilMs].map((ms) => binder.bind('Int64', ms));
  const sql = `SELECT count() AS events, min(seq) AS first_seq, max(seq) AS last_seq FROM audit_events
WHERE ${conditions.join(' AND ')}
  AND received_at >= fromUnixTimestamp64Milli(${from}, 'UTC') AND received_at < fromUnixTimestamp64Milli(${until}, 'UTC')`;
  return { sql, params: binder.params };
}

/** How many events a search finds, and between which seqs. Throws ClickHouseError. */
export async function readMatching(
  clickhouse: ClickHouse,
  query: MatchingQuery,
  options?: RequestOptions,
): Promise<Matching> {
  const { sql, params } = statementOf(query);
  const [row] = await clickhouse.query<{ events: number; first_seq: number; last_seq: number }>(sql, params, options);
  return { events: row?.events ?? 0, firstSeq: row?.first_seq ?? 0, lastSeq: row?.last_seq ?? 0 };
}
