import {
  storedEventOf,
  type ClickHouse,
  type RequestOptions,
  type Statement,
  type StoredEventJson,
} from '@docket/clickhouse';
import type { StoredEventRow } from '@docket/event';
import type { AnswerBytes } from './answer-bytes.ts';
import type { ReadRows } from './bounded-read.ts';
import { pageStatement, placeStatement, type PageQuery } from './event-sql-mapper.ts';
import { createPageLooks } from './page-looks.ts';
import { pageOf } from './page-policy.ts';
import { requireShort } from './read-failure-policy.ts';

/** Looks at a part of the log before all of the rest is read: each costs a statement. */
const looksMax = 2;

export type PageReader = (
  query: PageQuery,
  options: RequestOptions,
  bytes: Pick<AnswerBytes, 'isCut'>,
) => Promise<ReadRows<StoredEventRow>>;

/** Reads pages of searches, of `limit` rows or of as many as `options.takes` takes: then `bytes` are cut. Throws ClickHouseError. */
export function createPageReader(clickhouse: ClickHouse): PageReader {
  const looks = createPageLooks();

  /** The first rows by (occurred_at, id): of the last days, and only if they do not suffice, of ever more of the time before. */
  async function firstRows(query: PageQuery, options: RequestOptions, isCut: () => boolean): Promise<StoredEventRow[]> {
    const nowMicros = Date.now() * 1_000;
    const rows: StoredEventRow[] = [];
    let before: number | null = null;
    let from = looks.firstFrom(query, nowMicros);
    for (let look = 1; ; look += 1) {
      const part = { ...query, limit: query.limit - rows.length, within: { from, before } };
      const statement = pageStatement(part);
      rows.push(...(await rowsOf(clickhouse, statement, look === 1 && from !== null ? inOneThread(options) : options)));
      if (isCut()) return rows;
      if (from === null || rows.length === query.limit) break;
      [before, from] = [from, look < looksMax ? looks.nextFrom(query, from, rows.length, nowMicros) : null];
    }
    looks.learn(query, nowMicros, rows[query.limit - 1]?.occurred_at ?? null);
    return rows;
  }

  return async (query, options, { isCut }) => {
    const { limit } = query;
    const found = await firstRows({ ...query, limit: limit + 1 }, options, isCut);
    const { rows, cut, hasMore } = pageOf(found, limit, isCut());
    if (cut === null) return { rows, hasMore };
    const rest = placeStatement({ ...query, limit: limit - rows.length }, cut);
    const atPlace = isCut() ? [] : await rowsOf(clickhouse, rest, options);
    if (rows.length + atPlace.length > 0) return { rows: [...rows, ...atPlace], hasMore };
    // One always goes: those that were found and are not shown have made room for it.
    const first = placeStatement({ ...query, limit: 1 }, cut);
    return { rows: await rowsOf(clickhouse, first, { ...options, takes: undefined }), hasMore };
  };
}

/** Rows of events. */
export async function rowsOf(
  clickhouse: ClickHouse,
  statement: Statement,
  options: RequestOptions,
): Promise<StoredEventRow[]> {
  const { sql, params } = requireShort(statement);
  return (await clickhouse.query<StoredEventJson>(sql, params, options)).map(storedEventOf);
}

/** What reads a few granules takes longer to divide among threads than to read. */
function inOneThread(options: RequestOptions): RequestOptions {
  return { ...options, settings: { ...options.settings, max_threads: 1 } };
}
