import {
  readLog,
  readLogBounds,
  readSeqBefore,
  storedEventOf,
  type ClickHouse,
  type LogBounds,
  type LogRange,
  type RequestOptions,
  type Statement,
  type StoredEventJson,
} from '@docket/clickhouse';
import { scopeSearch, type AttemptRow, type SearchScope, type StoredEventRow } from '@docket/event';
import { DocketError } from '@docket/runtime';
import {
  facetsStatement,
  histogramStatement,
  type FacetRow,
  type FacetsQuery,
  type HistogramQuery,
} from './count-sql-mapper.ts';
import { eventStatement, pageStatement, placeStatement, type PageQuery } from './event-sql-mapper.ts';
import type { HistogramRow } from './histogram-mapper.ts';
import { laterStatement, ledgerStatement, type LedgerQuery, type LedgerRow } from './ledger/ledger-mapper.ts';
import type { QueryMetrics } from './metrics.ts';
import { createPageLooks } from './page-looks.ts';
import { pageOf } from './page-policy.ts';
import type { ReadGate } from './read-gate.ts';
import {
  allQuarantineStatement,
  quarantinedRecordStatement,
  quarantineStatement,
  type OperatorRecordRow,
} from './quarantine-sql-mapper.ts';
import { readFailure, requireShort } from './read-failure-policy.ts';
import { allLogs, allLogsLock, tenantLock } from './tenant-lock-policy.ts';
import { attemptsStatement, placesStatement, type AttemptsQuery, type PlaceRow } from './trace-sql-mapper.ts';

/** What ClickHouse may take beyond its own time limit before the connection is given up. */
const answerGraceMs = 2_000;
/** Groups of one count: a field with more different values is refused, before its groups take the server's memory. */
const groupsMax = 1_000_000;
/** Looks at a part of the log before all of the rest is read: each costs a statement. */
const looksMax = 2;
/** An id that has more rows than this was sent thousands of times; the lowest seqs tell the story. */
const occurrencesMax = 100;

/** Between which seqs a log could be read at this moment. */
export interface LogBoundsAt extends LogBounds {
  /** ms since the epoch. */
  readonly atMs: number;
}

/** For whom a read is: its places are counted by the key, and an aborted signal ends the read in ClickHouse too. */
export interface Asker {
  readonly keyId: string;
  readonly signal: AbortSignal;
}

/**
 * Reads of one tenant's log. Every read is scoped twice: by its statement and by the tenant lock (I5). All throw DocketError:
 * clickhouse_unavailable, schema_outdated, query_too_expensive, overloaded, rate_limited.
 */
export interface LogReader {
  /** Newest first by (occurred_at, id, seq). */
  page(query: PageQuery, asker: Asker): Promise<StoredEventRow[]>;
  /** The rows of an id in a scope, of each status that it shows, lowest seq first, at most 100. */
  event(scope: SearchScope, id: string, asker: Asker): Promise<StoredEventRow[]>;
  /** Rows of every status behind a seq, in seq order and without a hole. */
  feed(range: LogRange, asker: Asker): Promise<StoredEventRow[]>;
  /** The same, and where the log begins and ends, read at once. The rows may go beyond that end: they were read later. */
  feedWithin(range: LogRange, asker: Asker): Promise<{ rows: StoredEventRow[]; bounds: LogBoundsAt }>;
  /** The highest seq that was received before a time; 0 when there is none. */
  seqBefore(at: { readonly tenantId: string; readonly timeMs: number }, asker: Asker): Promise<number>;
  histogram(query: HistogramQuery, asker: Asker): Promise<HistogramRow[]>;
  facets(query: FacetsQuery, asker: Asker): Promise<FacetRow[]>;
  ledger(query: LedgerQuery, asker: Asker): Promise<{ rows: LedgerRow[]; hasLater: boolean }>;
  bounds(tenantId: string, asker: Asker): Promise<LogBoundsAt>;
  attempts(query: AttemptsQuery, asker: Asker): Promise<AttemptRow[]>;
  /** For operators: where these rows of a log lie in Kafka. */
  places(log: string, seqs: readonly number[], asker: Asker): Promise<PlaceRow[]>;
  /** For operators: records of a log that are quarantined. */
  quarantine(query: Parameters<typeof quarantineStatement>[0], asker: Asker): Promise<OperatorRecordRow[]>;
  /** The same of all logs. */
  allQuarantine(query: Parameters<typeof allQuarantineStatement>[0], asker: Asker): Promise<OperatorRecordRow[]>;
  /** For operators; undefined: there is no such record, or it is not quarantined. */
  quarantined(log: string, seq: number, asker: Asker): Promise<OperatorRecordRow | undefined>;
}

interface ReaderPorts {
  readonly clickhouse: ClickHouse;
  readonly gate: ReadGate;
  readonly metrics: QueryMetrics;
  readonly timeoutMs: number;
}

export function createLogReader({ clickhouse, gate, metrics, timeoutMs }: ReaderPorts): LogReader {
  const looks = createPageLooks();

  function optionsFor(tenantId: string, signal: AbortSignal): RequestOptions {
    return {
      signal,
      deadlineMs: timeoutMs + answerGraceMs,
      headers: tenantLock(tenantId),
      settings: { max_execution_time: timeoutMs / 1000, timeout_overflow_mode: 'throw' },
    };
  }

  async function read<T>(
    kind: string,
    tenantId: string,
    { keyId, signal }: Asker,
    work: (options: RequestOptions) => Promise<T>,
  ): Promise<T> {
    return gate.run({ tenantId, keyId }, async () => {
      const stopTimer = metrics.readSeconds.startTimer({ kind });
      try {
        return await work(optionsFor(tenantId, signal));
      } catch (error) {
        const failure = readFailure(error);
        const code = failure instanceof DocketError ? failure.code : 'internal';
        metrics.readFailures.inc({ code: signal.aborted ? 'aborted' : code });
        throw failure;
      } finally {
        stopTimer();
      }
    });
  }

  async function rowsOf(statement: Statement, options: RequestOptions): Promise<StoredEventRow[]> {
    const { sql, params } = requireShort(statement);
    return (await clickhouse.query<StoredEventJson>(sql, params, options)).map(storedEventOf);
  }

  async function readBounds(tenantId: string, options: RequestOptions): Promise<LogBoundsAt> {
    const bounds = await readLogBounds(clickhouse, tenantId, options);
    return { ...bounds, atMs: Date.now() };
  }

  async function pageRows(query: PageQuery, options: RequestOptions): Promise<StoredEventRow[]> {
    const { limit } = query;
    const { rows, cut } = pageOf(await firstRows({ ...query, limit: limit + 1 }, options), limit);
    if (cut === null) return [...rows];
    return [...rows, ...(await rowsOf(placeStatement({ ...query, limit: limit - rows.length }, cut), options))];
  }

  /** The first rows by (occurred_at, id): of the last days, and only if they do not suffice, of ever more of the time before. */
  async function firstRows(query: PageQuery, options: RequestOptions): Promise<StoredEventRow[]> {
    const nowMicros = Date.now() * 1_000;
    const rows: StoredEventRow[] = [];
    let before: number | null = null;
    let from = looks.firstFrom(query, nowMicros);
    for (let look = 1; ; look += 1) {
      const part = { ...query, limit: query.limit - rows.length, within: { from, before } };
      rows.push(...(await rowsOf(pageStatement(part), from === null ? options : inOneThread(options))));
      if (from === null || rows.length === query.limit) break;
      [before, from] = [from, look < looksMax ? looks.nextFrom(query, from, rows.length, nowMicros) : null];
    }
    looks.learn(query, nowMicros, rows[query.limit - 1]?.occurred_at ?? null);
    return rows;
  }

  /** A count: of at most a million groups. */
  function count<Row>(kind: string, tenantId: string, statement: Statement, asker: Asker): Promise<Row[]> {
    return read(kind, tenantId, asker, (options) => {
      const { sql, params } = requireShort(statement);
      const settings = { ...options.settings, max_rows_to_group_by: groupsMax, group_by_overflow_mode: 'throw' };
      return clickhouse.query<Row>(sql, params, { ...options, settings });
    });
  }

  function forOperators<Row>(kind: string, log: string, { sql, params }: Statement, asker: Asker): Promise<Row[]> {
    return read(kind, log, asker, (options) => {
      const headers = tenantLock(log, { isOperator: true });
      return clickhouse.query<Row>(sql, params, { ...options, headers });
    });
  }

  function quarantined(log: string, statement: Statement, asker: Asker): Promise<OperatorRecordRow[]> {
    return forOperators('quarantine', log, statement, asker);
  }

  return {
    page: (query, asker) => read('list', query.search.tenantId, asker, (options) => pageRows(query, options)),
    event: (scope, id, asker) =>
      read('event', scope.tenantId, asker, (options) => {
        const anyStatus = scopeSearch({ kind: 'is', field: 'status', values: scope.statuses }, scope);
        return rowsOf(eventStatement(anyStatus, id, occurrencesMax), options);
      }),
    feed: (range, asker) => read('feed', range.tenantId, asker, (options) => readLog(clickhouse, range, options)),
    feedWithin: (range, asker) =>
      read('feed', range.tenantId, asker, async (options) => {
        const asked = [readBounds(range.tenantId, options), readLog(clickhouse, range, options)] as const;
        const [bounds, rows] = await Promise.all(asked);
        return { rows, bounds };
      }),
    seqBefore: (at, asker) =>
      read('seq_before', at.tenantId, asker, (options) => readSeqBefore(clickhouse, at, options)),
    histogram: (query, asker) => count('histogram', query.search.tenantId, histogramStatement(query), asker),
    facets: (query, asker) => count('facets', query.search.tenantId, facetsStatement(query), asker),
    async ledger(query, asker) {
      const rows = await count<LedgerRow>('ledger', query.tenantId, ledgerStatement(query), asker);
      const later = await count('ledger', query.tenantId, laterStatement(query), asker);
      return { rows, hasLater: later.length > 0 };
    },
    attempts: (query, asker) =>
      read('attempts', query.tenantId, asker, (options) => {
        const { sql, params } = attemptsStatement(query);
        return clickhouse.query<AttemptRow>(sql, params, options);
      }),
    places: (log, seqs, asker) => forOperators('places', log, placesStatement(log, seqs), asker),
    quarantine: (query, asker) => quarantined(query.log, quarantineStatement(query), asker),
    quarantined: async (log, seq, asker) => (await quarantined(log, quarantinedRecordStatement(log, seq), asker))[0],
    allQuarantine: (query, asker) =>
      read('quarantine', allLogs, asker, (options) => {
        const { sql, params } = allQuarantineStatement(query);
        return clickhouse.query<OperatorRecordRow>(sql, params, { ...options, headers: allLogsLock() });
      }),
    bounds: (tenantId, asker) => read('bounds', tenantId, asker, (options) => readBounds(tenantId, options)),
  };
}

/** What reads a few granules takes longer to divide among threads than to read. */
function inOneThread(options: RequestOptions): RequestOptions {
  return { ...options, settings: { ...options.settings, max_threads: 1 } };
}
