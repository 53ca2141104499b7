import { ClickHouseError, type Statement } from '@docket/clickhouse';
import { DocketError } from '@docket/runtime';

/** ClickHouse's limits on one statement: time, rows and bytes read, its own memory. */
const tooExpensiveCodes: ReadonlySet<number> = new Set([158, 159, 307, 396]);
/** UNKNOWN_TABLE, UNKNOWN_DATABASE, UNKNOWN_IDENTIFIER, NO_SUCH_COLUMN_IN_TABLE. */
const outdatedCodes: ReadonlySet<number> = new Set([16, 47, 60, 81]);

/** ACCESS_DENIED. */
const deniedCode = 497;

/** What a failed read means to the caller. Anything unforeseen stays what it is and is answered as our bug. */
export function readFailure(error: unknown): unknown {
  if (!(error instanceof ClickHouseError)) return error;
  if (tooExpensiveCodes.has(error.code)) {
    return new DocketError('query_too_expensive', 'The search reads more than one request may.', { cause: error });
  }
  if (outdatedCodes.has(error.code)) {
    return new DocketError('schema_outdated', 'The tables of the log are missing or old.', { cause: error });
  }
  if (error.code === deniedCode) {
    const detail = 'The user of the query service lacks a right at ClickHouse.';
    return new DocketError('clickhouse_unavailable', detail, { cause: error });
  }
  if (error.reason === 'unavailable') {
    return new DocketError('clickhouse_unavailable', 'The log cannot be read now.', { cause: error });
  }
  return error;
}

/**
 * Half of what ClickHouse reads of a statement by default (max_query_size). The view `user` repeats its own conditions in the
 * search, and facets repeat the search: what is short in a request may become this long, and takes ClickHouse half a second to understand.
 */
const statementCharactersMax = 131_072;

/** A little less than what ClickHouse takes of them in a request. */
const statementValuesMax = 1_000;

/** The statement itself. Throws query_too_expensive for one that is too long, or has too many values; how long these are does not count. */
export function requireShort<Short extends Statement>(statement: Short): Short {
  const { sql, params } = statement;
  if (sql.length <= statementCharactersMax && Object.keys(params).length <= statementValuesMax) return statement;
  throw new DocketError('query_too_expensive', 'The search has too many conditions for this view.');
}
