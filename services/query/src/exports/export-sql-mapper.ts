import {
  createBinder,
  publicEventOfManySql,
  publicEventSettings,
  scopedConditions,
  type Binder,
  type Statement,
} from '@docket/clickhouse';
import type { ScopedSearch } from '@docket/event';
import { columnSettings, guardedColumnsSql, typedColumnsSql } from './export-columns-mapper.ts';

export const exportFormatNames = ['ndjson', 'csv', 'parquet'] as const;
export type ExportFormatName = (typeof exportFormatNames)[number];

export const mediaTypes: Readonly<Record<ExportFormatName, string>> = {
  ndjson: 'application/x-ndjson',
  csv: 'text/csv; charset=utf-8; header=present',
  parquet: 'application/vnd.apache.parquet',
};

export interface ExportQuery {
  readonly search: ScopedSearch;
  /**
   * The range is pinned by seq: ClickHouse holds a contiguous prefix of every log (I4) and rows never change, so what is at or
   * below the head of the moment is a set of rows that no later one joins, also for a second statement.
   */
  readonly firstSeq: number;
  readonly throughSeq: number;
}

export interface ExportStatement extends Statement {
  readonly settings: Readonly<Record<string, string | number>>;
}

/**
 * The order of the primary key, and nothing behind it: ClickHouse merges its parts in this order without sorting, in constant
 * memory. Ordered by seq too, every row would pass through a sort of its own, for a fifth more of a core.
 */
const oldestFirst = 'ORDER BY occurred_at, id';

/** All events of the range that the search finds, oldest first, written by ClickHouse. */
export function exportStatement(format: ExportFormatName, query: ExportQuery): ExportStatement {
  const binder = createBinder();
  const { search } = query;
  const [columns, clickhouseFormat, settings] = {
    ndjson: () => [publicEventOfManySql(search, binder), 'TSVRaw', publicEventSettings] as const,
    csv: () => [guardedColumnsSql(search, binder), 'CSVWithNames', csvSettings] as const,
    parquet: () => [typedColumnsSql(search, binder), 'Parquet', parquetSettings] as const,
  }[format]();
  const sql = `SELECT ${columns} FROM audit_events
WHERE ${conditions(query, binder)} ${oldestFirst}
FORMAT ${clickhouseFormat}`;
  return { sql, params: binder.params, settings };
}

/** RFC 4180. */
const csvSettings = { ...columnSettings, ...publicEventSettings, output_format_csv_crlf_end_of_line: 1 } as const;

/** A row group is what a writer holds in memory. */
const parquetSettings = {
  ...columnSettings,
  output_format_parquet_row_group_size: 65_536,
  output_format_parquet_row_group_size_bytes: 64 * 1024 * 1024,
  output_format_parquet_compression_method: 'zstd',
} as const;

/** How many events there are in the range, and their lowest and highest seq: a row of ExportTotals. */
export function exportTotalsStatement(query: ExportQuery): Statement {
  const binder = createBinder();
  const sql = `SELECT count() AS events, min(seq) AS first_seq, max(seq) AS last_seq FROM audit_events
WHERE ${conditions(query, binder)}`;
  return { sql, params: binder.params };
}

/** Seqs are 0 where there is no event. */
export interface ExportTotals {
  readonly events: number;
  readonly first_seq: number;
  readonly last_seq: number;
}

function conditions({ search, firstSeq, throughSeq }: ExportQuery, binder: Binder): string {
  const pin = `seq >= ${binder.bind('UInt64', firstSeq)} AND seq <= ${binder.bind('UInt64', throughSeq)}`;
  return [...scopedConditions(search, binder), pin].join('\n  AND ');
}
