import type { StoredText } from '@docket/clickhouse';
import {
  eventFromRow,
  redriveOfKey,
  toPublicEvent,
  type EventStatus,
  type OwnEvents,
  type PublicEvent,
  type StoredEventRow,
} from '@docket/event';
import type { EventAnswer, FeedAnswer, ShownEvent } from './answer-schemas.ts';

/** An event as callers see it (I5: nothing of where it lies in Kafka, no bytes of quarantined records). */
export function publicEventOf(row: StoredEventRow): PublicEvent {
  return toPublicEvent(eventFromRow(row), { seq: row.seq, receivedAtMs: row.received_at, status: row.status });
}

/** An event within a view; `own` is of the view `user`, null for those that see whole logs. */
export function shownEventOf(row: StoredEventRow, own: OwnEvents | null): ShownEvent {
  if (own === null) return publicEventOf(row);
  const isOwnAction = own.actors.some(({ type, id }) => type === row.actor_type && id === row.actor_id);
  const { seq: _, ...event } = publicEventOf(isOwnAction ? withoutCounts(row) : withoutWhereabouts(row));
  return event;
}

/** The producer's running number, and the seq of a redriven record, count the events of the whole tenant. */
function withoutCounts(row: StoredEventRow): StoredEventRow {
  const { [redriveOfKey]: _, ...metadata } = row.metadata;
  return { ...row, source_counter: 0, metadata };
}

/** From where others act is not for a user to see; the country is read off the address. */
function withoutWhereabouts(row: StoredEventRow): StoredEventRow {
  return { ...withoutCounts(row), ip: '', user_agent: '', country: '', session_id: '' };
}

/** The answer for one id: its accepted row of the lowest seq (or, without one, its first), and the others. Null: no rows. */
export function eventAnswer(rows: readonly StoredEventRow[], own: OwnEvents | null): EventAnswer | null {
  const main = rows.find((row) => row.status === 'accepted') ?? rows[0];
  if (main === undefined) return null;
  const others = rows.filter((row) => row !== main).map((row) => shownEventOf(row, own));
  return { ...shownEventOf(main, own), ...(others.length === 0 ? {} : { occurrences: others }) };
}

export interface FeedState {
  readonly after: number;
  readonly firstSeq: number;
  readonly headSeq: number;
  readonly asOf: string;
}

export interface FeedText {
  /** A FeedAnswer as JSON. */
  readonly json: Buffer;
  readonly eventsCount: number;
}

/**
 * The answer of the feed: the events of a log that are asked for, in seq order; every seq is accounted for (I3). The events are what
 * ClickHouse has written, byte for byte; one without a text is not asked for.
 */
export function feedText(rows: readonly Omit<StoredText, 'receivedAtMs'>[], state: FeedState): FeedText {
  const { after, firstSeq, headSeq, asOf } = state;
  const skipped = { filtered: 0, duplicate: 0, quarantined: 0, rerouted: 0, lost: 0 };
  const pieces: Uint8Array[] = [];
  for (const { status, text } of rows) {
    if (!isShown(status)) skipped[status]++;
    else if (text.length === 0) skipped.filtered++;
    else pieces.push(pieces.length === 0 ? dataBegins : comma, text);
  }
  const lastSeq = rows.at(-1)?.seq;
  const others: Omit<FeedAnswer, 'data'> = {
    skipped,
    next_after: lastSeq ?? after,
    // Not `after`, which is only what the caller claims.
    complete_through: Math.max(headSeq, lastSeq ?? 0),
    as_of: asOf,
    first_seq: firstSeq,
  };
  if (pieces.length === 0) pieces.push(dataBegins);
  const end = Buffer.from(`],${JSON.stringify(others).slice(1)}`);
  return { json: Buffer.concat([...pieces, end]), eventsCount: Math.floor(pieces.length / 2) };
}

const dataBegins = Buffer.from('{"data":[');
const comma = Buffer.from(',');

function isShown(status: EventStatus): status is 'accepted' | 'conflict' {
  return status === 'accepted' || status === 'conflict';
}
