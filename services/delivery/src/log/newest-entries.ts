import { readLog, readLogBounds } from '@docket/clickhouse';
import type { ClickHouse } from '@docket/clickhouse';
import type { EventMatcher } from '@docket/event';

import { entryOfRow } from '../batches/log-entry-mapper.ts';
import type { LogEntry } from '../batches/log-entry-mapper.ts';

/** Rows of one read, and of all: a filter that matches nothing of these shows nothing (I8). */
const rowsAtOnce = 200;
const rowsMax = 1_000;
const deadlineMs = 5_000;

export interface NewestEntries {
  /** Consecutive; the first is an event, unless there is none. */
  readonly entries: readonly LogEntry[];
  /** The event before the first, or where its search ended. */
  readonly prevEventSeq: number;
}

/** The end of a log as it is stored, back to the event of which there are `eventsMax` with those behind it. Throws ClickHouseError. */
export async function readNewestEntries(
  clickhouse: ClickHouse,
  tenantId: string,
  { eventsMax, matches }: { readonly eventsMax: number; readonly matches: EventMatcher },
): Promise<NewestEntries> {
  const options = { deadlineMs };
  const { firstSeq, headSeq } = await readLogBounds(clickhouse, tenantId, options);
  const lowest = Math.max(firstSeq - 1, headSeq - rowsMax, 0);
  let found: LogEntry[] = [];
  let events = 0;
  for (let to = headSeq; to > lowest && events <= eventsMax;) {
    const afterSeq = Math.max(lowest, to - rowsAtOnce);
    const rows = await readLog(clickhouse, { tenantId, afterSeq, limit: to - afterSeq }, options);
    const entries = rows.map((row) => entryOfRow(row, matches));
    events += entries.filter(({ kind }) => kind === 'event').length;
    found = [...entries, ...found];
    to = afterSeq;
  }
  return newestOf(found, eventsMax, lowest);
}

function newestOf(found: readonly LogEntry[], eventsMax: number, lowest: number): NewestEntries {
  const places = found.flatMap(({ kind }, index) => (kind === 'event' ? [index] : []));
  const first = places.at(-eventsMax) ?? places[0];
  if (first === undefined) return { entries: [], prevEventSeq: lowest };
  const before = places[places.indexOf(first) - 1];
  return { entries: found.slice(first), prevEventSeq: before === undefined ? lowest : (found[before]?.seq ?? lowest) };
}
