import {
  readLog,
  readLogBounds,
  readLogTexts,
  readSeqBefore,
  type ClickHouse,
  type LogBounds,
  type LogRange,
  type LogTextsRange,
  type RequestOptions,
  type Statement,
  type StoredText,
} from '@docket/clickhouse';
import { scopeSearch, type AttemptRow, type SearchScope, type StoredEventRow } from '@docket/event';
import { pageBytesMax, rowBytesMax, type AnswerBudget, type AnswerBytes } from './answer-bytes.ts';
import { readBounded, type Bounded, type ReadRows, type RowsWork } from './bounded-read.ts';
import {
  facetsStatement,
  histogramStatement,
  type FacetRow,
  type FacetsQuery,
  type HistogramQuery,
} from '../counts/count-sql-mapper.ts';
import { eventStatement, type PageQuery } from './event-sql-mapper.ts';
import type { HistogramRow } from '../counts/histogram-mapper.ts';
import { laterStatement, ledgerStatement, type LedgerQuery, type LedgerRow } from '../ledger/ledger-mapper.ts';
import type { ReadKind } from '../metrics.ts';
import { createPageReader, rowsOf } from './page-reader.ts';
import type { ReadGate } from '../gate/read-gate.ts';
import {
  allQuarantineStatement,
  quarantinedRecordStatement,
  quarantineStatement,
  type OperatorRecordRow,
} from '../quarantine/quarantine-sql-mapper.ts';
import { requireShort } from './read-failure-policy.ts';
import { allLogs, allLogsLock, tenantLock } from '../gate/tenant-lock-policy.ts';
import { attemptsStatement, placesStatement, type AttemptsQuery, type PlaceRow } from '../trace/trace-sql-mapper.ts';

/** What ClickHouse may take beyond its own time limit before the connection is given up. */
const answerGraceMs = 2_000;
/** Groups of one count: a field with more different values is refused, before its groups take the server's memory. */
const groupsMax = 1_000_000;
/** An id that has more rows than this was sent thousands of times; the lowest seqs tell the story. */
const occurrencesMax = 100;

/** Between which seqs a log could be read at this moment. */
export interface LogBoundsAt extends LogBounds {
  /** ms since the epoch. */
  readonly atMs: number;
}

/** For whom a read is: its places are counted by the key. The signal aborts when its answer is over, sent or not, and ends the read in ClickHouse too. */
export interface Asker {
  readonly keyId: string;
  readonly signal: AbortSignal;
}

/**
 * Reads of one tenant's log. Every read is scoped twice: by its statement and by the tenant lock (I5). All throw DocketError:
 * clickhouse_unavailable, schema_outdated, query_too_expensive, overloaded, rate_limited.
 * Rows of events and records end at 8 MiB as ClickHouse writes them, or where there is no room for more of them, but never before the first one.
 */
export interface LogReader {
  /** Newest first by (occurred_at, id, seq). */
  page(query: PageQuery, asker: Asker): Promise<ReadRows<StoredEventRow>>;
  /** The rows of an id in a scope, of each status that it shows, lowest seq first, at most 100. */
  event(scope: SearchScope, id: string, asker: Asker): Promise<readonly StoredEventRow[]>;
  /** Rows of every status behind a seq, in seq order and without a hole; of 2 MiB at most, for streams. */
  feed(range: LogRange, asker: Asker): Promise<Bounded<ReadRows<StoredEventRow>>>;
  /** The same of 8 MiB, as texts, and where the log begins and ends, read at once. The rows may go beyond that end: they were read later. */
  feedWithin(range: LogTextsRange, asker: Asker): Promise<{ rows: readonly StoredText[]; bounds: LogBoundsAt }>;
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
  quarantine(query: Parameters<typeof quarantineStatement>[0], asker: Asker): Promise<ReadRows<OperatorRecordRow>>;
  /** The same of all logs. */
  allQuarantine(
    query: Parameters<typeof allQuarantineStatement>[0],
    asker: Asker,
  ): Promise<ReadRows<OperatorRecordRow>>;
  /** For operators; undefined: there is no such record, or it is not quarantined. */
  quarantined(log: string, seq: number, asker: Asker): Promise<OperatorRecordRow | undefined>;
}

interface ReaderPorts {
  readonly clickhouse: ClickHouse;
  readonly gate: ReadGate;
  readonly answers: AnswerBudget;
  readonly timeoutMs: number;
}

export function createLogReader({ clickhouse, gate, answers, timeoutMs }: ReaderPorts): LogReader {
  const readPage = createPageReader(clickhouse);

  function optionsFor(tenantId: string, signal: AbortSignal): RequestOptions {
    return {
      signal,
      deadlineMs: timeoutMs + answerGraceMs,
      headers: tenantLock(tenantId),
      settings: { max_execution_time: timeoutMs / 1000, timeout_overflow_mode: 'throw' },
    };
  }

  function read<T>(
    kind: ReadKind,
    tenantId: string,
    { keyId, signal }: Asker,
    work: (options: RequestOptions) => Promise<T>,
  ): Promise<T> {
    return gate.run({ kind, tenantId, keyId, signal }, () => work(optionsFor(tenantId, signal)));
  }

  /** A read of rows that may be large. */
  function readRows<Rows extends ReadRows<unknown>>(
    of: { readonly kind: ReadKind; readonly log: string; readonly limit: number; readonly bytesMax?: number },
    asker: Asker,
    work: RowsWork<Rows>,
  ): Promise<Bounded<Rows>> {
    const { kind, log, limit, bytesMax = pageBytesMax } = of;
    const open = (isSingle: boolean): AnswerBytes =>
      answers.open({ tenantId: log, keyId: asker.keyId }, asker.signal, isSingle ? null : bytesMax);
    return read(kind, log, asker, (options) => readBounded(limit, options, open, work));
  }

  async function readBounds(tenantId: string, options: RequestOptions): Promise<LogBoundsAt> {
    const bounds = await readLogBounds(clickhouse, tenantId, options);
    return { ...bounds, atMs: Date.now() };
  }

  /** A count: of at most a million groups. */
  function count<Row>(kind: ReadKind, tenantId: string, statement: Statement, asker: Asker): Promise<Row[]> {
    return read(kind, tenantId, asker, (options) => {
      const { sql, params } = requireShort(statement);
      const settings = { ...options.settings, max_rows_to_group_by: groupsMax, group_by_overflow_mode: 'throw' };
      return clickhouse.query<Row>(sql, params, { ...options, settings });
    });
  }

  function forOperators<Row>(kind: ReadKind, log: string, { sql, params }: Statement, asker: Asker): Promise<Row[]> {
    return read(kind, log, asker, (options) => {
      const headers = tenantLock(log, { isOperator: true });
      return clickhouse.query<Row>(sql, params, { ...options, headers });
    });
  }

  /** A page of records; `statementOf` has one more than the page takes. */
  function records(
    log: string,
    limit: number,
    asker: Asker,
    headers: RequestOptions['headers'],
    statementOf: (limit: number) => Statement,
  ): Promise<ReadRows<OperatorRecordRow>> {
    return readRows({ kind: 'quarantine', log, limit }, asker, async (max, options, bytes) => {
      const { sql, params } = statementOf(max + 1);
      const rows = await clickhouse.query<OperatorRecordRow>(sql, params, { ...options, ...(headers && { headers }) });
      return { rows: rows.slice(0, max), hasMore: rows.length > max || bytes.isCut() };
    });
  }

  return {
    page: (query, asker) =>
      readRows({ kind: 'list', log: query.search.tenantId, limit: query.limit }, asker, (limit, options, bytes) =>
        readPage({ ...query, limit }, options, bytes),
      ),
    async event(scope, id, asker) {
      const anyStatus = scopeSearch({ kind: 'is', field: 'status', values: scope.statuses }, scope);
      const of = { kind: 'event', log: scope.tenantId, limit: occurrencesMax } as const;
      const { rows } = await readRows(of, asker, async (limit, options, bytes) => {
        const found = await rowsOf(clickhouse, eventStatement(anyStatus, id, limit), options);
        return { rows: found, hasMore: bytes.isCut() };
      });
      return rows;
    },
    feed: (range, asker) =>
      readRows(
        { kind: 'feed', log: range.tenantId, limit: range.limit, bytesMax: rowBytesMax },
        asker,
        async (limit, options, bytes) => {
          const rows = await readLog(clickhouse, { ...range, limit }, options);
          return { rows, hasMore: rows.length === limit || bytes.isCut() };
        },
      ),
    feedWithin: (range, asker) =>
      readRows({ kind: 'feed', log: range.tenantId, limit: range.limit }, asker, async (limit, options, bytes) => {
        const { takes: _, ...whole } = options;
        const asked = [
          readBounds(range.tenantId, whole),
          readLogTexts(clickhouse, { ...range, limit }, options),
        ] as const;
        const [bounds, rows] = await Promise.all(asked);
        return { rows, hasMore: bytes.isCut(), bounds };
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
    quarantine: (query, asker) =>
      records(query.log, query.limit, asker, tenantLock(query.log, { isOperator: true }), (limit) =>
        quarantineStatement({ ...query, limit }),
      ),
    allQuarantine: (query, asker) =>
      records(allLogs, query.limit, asker, allLogsLock(), (limit) => allQuarantineStatement({ ...query, limit })),
    quarantined: async (log, seq, asker) =>
      (await forOperators<OperatorRecordRow>('quarantine', log, quarantinedRecordStatement(log, seq), asker))[0],
    bounds: (tenantId, asker) => read('bounds', tenantId, asker, (options) => readBounds(tenantId, options)),
  };
}
