import { eventFromRow, type EventMatcher, type EventStatus, type StoredEventRow } from '@docket/event';
import { publicEventOf } from '../answer-mapper.ts';

/** Messages of a stream (WHATWG HTML, server-sent events). Their id is a seq: a reader that comes back with it goes on there. */

/** Rows that were passed and not sent, by why. */
export type Skipped = Readonly<Record<'filtered' | Exclude<EventStatus, 'accepted' | 'conflict'>, number>>;

export const nothingSkipped: Skipped = { filtered: 0, duplicate: 0, quarantined: 0, rerouted: 0, lost: 0 };

export interface PageMessages {
  /** An event each, in seq order. */
  readonly events: readonly string[];
  /** Of the page. */
  readonly skipped: Skipped;
  /** The seq of the last row. */
  readonly lastSeq: number;
}

/** What a page shows of itself to a stream. `rows` is not empty. */
export function pageMessages(rows: readonly StoredEventRow[], matches: EventMatcher): PageMessages {
  const events: string[] = [];
  const skipped = { ...nothingSkipped };
  for (const row of rows) {
    const { seq, status, received_at: receivedAtMs } = row;
    if (matches({ event: eventFromRow(row), seq, status, receivedAtMs })) {
      events.push(message(publicEventOf(row), { id: seq }));
    } else if (status === 'accepted' || status === 'conflict') skipped.filtered++;
    else skipped[status]++;
  }
  return { events, skipped, lastSeq: rows.at(-1)?.seq ?? 0 };
}

export function addSkipped(left: Skipped, right: Skipped): Skipped {
  return {
    filtered: left.filtered + right.filtered,
    duplicate: left.duplicate + right.duplicate,
    quarantined: left.quarantined + right.quarantined,
    rerouted: left.rerouted + right.rerouted,
    lost: left.lost + right.lost,
  };
}

export interface Progress {
  /** Everything up to this seq has been sent, or is counted in `skipped` of this message or an earlier one. */
  readonly after: number;
  /** Since the progress before. */
  readonly skipped: Skipped;
  /** When ClickHouse was last looked at, and had nothing behind `after`; null: it had, or could not be read. What Kafka alone holds is not told of. */
  readonly asOfMs: number | null;
}

/** Says how far the stream is. Its id lets a reader that comes back skip what was filtered. */
export function progressMessage({ after, skipped, asOfMs }: Progress): string {
  const asOf = asOfMs === null ? {} : { as_of: new Date(asOfMs).toISOString() };
  return message({ next_after: after, skipped, ...asOf }, { id: after, event: 'progress' });
}

export type EndReason = 'stopping' | 'credential_ended';

/** The last message of a stream that ends well: the reader may come back, but for reasons that a new request will tell. */
export function endMessage(reason: EndReason): string {
  return message({ reason }, { event: 'end' });
}

/** Readers that lose their stream come back after this. */
export const retryMessage = 'retry: 1000\n\n';

/** A comment: says nothing, and keeps proxies from taking the stream for dead. */
export const heartbeat = ': \n\n';

function message(data: unknown, { id, event }: { readonly id?: number; readonly event?: string }): string {
  const head = `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}`;
  // JSON has no line break outside of what it escapes.
  return `${head}data: ${JSON.stringify(data)}\n\n`;
}
