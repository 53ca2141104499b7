import { timeRangeOf, type Search, type TimeRange } from '@docket/event';
import { fingerprintOf, kindOf } from './cursor-mapper.ts';
import type { PageQuery } from './event-sql-mapper.ts';

const hourMicros = 3_600_000_000;
/** How far back the first look at a search goes that was not asked for before. */
const firstSpanMicros = 48 * hourMicros;
/** Below it fewer parts of the table are hardly left out. */
const spanMicrosMin = hourMicros;
/** How much longer a second look may be than the first; what needs more is looked for everywhere at once. */
const secondSpanTimesMax = 16;
/** Where pages of a kind go back this far, a first look is mostly lost. */
const rareSpanMicros = 8 * 24 * hourMicros;
/** And where the first span has less than ten pages of a log: nine of ten events have to fit what is asked of it. */
const sparseSpanMicros = firstSpanMicros / 10;
/** Searches whose spans are remembered: some 100 bytes each; and as many kinds. */
const searchesMax = 10_000;

export interface PageLooks {
  /**
   * Where to look first for the rows of a page: at or behind this time, in µs. What is asked of so short a time reads few parts of
   * the table, and most pages are full with it; the rest of a page lies before. Null: look everywhere at once.
   */
  firstFrom(query: PageQuery, nowMicros: number): number | null;
  /**
   * Where to look next when there were `foundCount` rows at or behind `from`, fewer than the page takes: so far back that the page is
   * probably full, if rows go on as they did. Null: everywhere before.
   */
  nextFrom(query: PageQuery, from: number, foundCount: number, nowMicros: number): number | null;
  /** Remembers how far back the page went; `lastMicros` is the time of its last row, null where it is not full. */
  learn(query: PageQuery, nowMicros: number, lastMicros: number | null): void;
}

/**
 * What a search needed last time tells what it needs next time; what one of its kind needed, and a page of its log without a filter, tell of one that was
 * not asked for before. A wrong guess costs one statement, never a row.
 */
export function createPageLooks(): PageLooks {
  /** Name of a search → span in µs, the search that was asked last at the end. Infinity: there are not enough rows for a page. */
  const spans = new Map<string, number>();
  /** The same of the last search of a kind. */
  const kindSpans = new Map<string, number>();
  /** The same of the last page of a log without a filter. */
  const logSpans = new Map<string, number>();

  const isLookLost = (query: PageQuery): boolean =>
    (kindSpans.get(kindNameOf(query)) ?? 0) > rareSpanMicros ||
    (logSpans.get(query.search.tenantId) ?? 0) > sparseSpanMicros;

  return {
    firstFrom(query, nowMicros) {
      const known = spans.get(nameOf(query));
      if (known === undefined && isLookLost(query)) return null;
      const span = known === undefined ? firstSpanMicros : Math.max(spanMicrosMin, 2 * known);
      const first = endOf(query, nowMicros) - span;
      return isAtOnce(query, first) ? null : first;
    },
    nextFrom(query, from, foundCount, nowMicros) {
      const span = endOf(query, nowMicros) - from;
      const times = Math.ceil((2 * query.limit) / foundCount);
      const next = from - span * (times - 1);
      return times > secondSpanTimesMax || isAtOnce(query, next) ? null : next;
    },
    learn(query, nowMicros, lastMicros) {
      const span = lastMicros === null ? Number.POSITIVE_INFINITY : Math.max(0, endOf(query, nowMicros) - lastMicros);
      remember(spans, nameOf(query), span);
      remember(kindSpans, kindNameOf(query), span);
      if (isUnfiltered(query.search.search)) remember(logSpans, query.search.tenantId, span);
    },
  };
}

/** As the last one; the first one goes when there are too many. */
function remember(spans: Map<string, number>, name: string, span: number): void {
  spans.delete(name);
  spans.set(name, span);
  const [oldest] = spans.size > searchesMax ? spans.keys() : [];
  if (oldest !== undefined) spans.delete(oldest);
}

/** Behind it the page has no rows, but for those that were dated ahead of their time. */
function endOf({ search, after }: PageQuery, nowMicros: number): number {
  const { before }: TimeRange = timeRangeOf(search.search);
  return Math.min(nowMicros, before ?? nowMicros, after?.occurredAt ?? nowMicros);
}

/** Whether a look from then on leaves nothing out; before 1970 there is nothing to leave out. */
function isAtOnce({ search }: PageQuery, from: number): boolean {
  return from <= Math.max(0, timeRangeOf(search.search).from ?? 0);
}

/** Whether it asks for nothing but what has a status. */
function isUnfiltered(search: Search): boolean {
  switch (search.kind) {
    case 'every':
      return true;
    case 'is':
      return search.field === 'status';
    case 'and':
      return search.terms.every(isUnfiltered);
    case 'or':
    case 'not':
    case 'range':
    case 'words':
    case 'prefix':
    case 'present':
      return false;
  }
}

/** First pages go back over the time in which nothing has happened since; those behind a position begin at an event. */
function nameOf({ search, after }: PageQuery): string {
  return `${fingerprintOf(search)}${after === null ? '' : '+'}`;
}

function kindNameOf({ search, after }: PageQuery): string {
  return `${kindOf(search)}${after === null ? '' : '+'}`;
}
