import { comparePlaces, isCount, parseObject } from '@docket/directory';
import type { CursorPlace } from '@docket/directory';

import { parseNotices, storedNotice } from '../notices/notice-mapper.ts';
import type { Notice } from '../notices/notice-mapper.ts';
import { noneSkipped, parseSkipped, sumSkipped } from '../batches/skipped-counts.ts';
import type { SkippedCounts } from '../batches/skipped-counts.ts';
import { parseTime, timeText } from '../log/stored-time-mapper.ts';

/** What was told of an outage; `none`: nothing was, or it is over and that was told. */
const noticedStates = ['none', 'failing', 'suspended'] as const;
export type Noticed = (typeof noticedStates)[number];

/**
 * Where a subscription is, in the compacted cursors topic. The cursor of a subscription is the greatest by (reset, seq): an acknowledgement is true
 * whoever writes it, so two instances may write at once, and nothing is fenced.
 */
export interface Cursor {
  /** Raised only when the owner of the subscription moves the cursor; beats any seq. */
  readonly reset: number;
  /** Every record of the log up to this seq has been acknowledged by the receiver, or has no event for it (I6). */
  readonly seq: number;
  /**
   * A cut in Kafka: every record of the log at or below this offset of `generation` has a seq ≤ `seq`, every one behind it a greater one. It grows also
   * while the log is silent, so that a restart can go on from Kafka without asking ClickHouse. Null: not known.
   */
  readonly offset: number | null;
  readonly generation: number;
  /** seq of the last event that was sent: the next event's prev_seq. 0: there was none, or it is not known which. */
  readonly eventSeq: number;
  /** What has no event since the last batch that was sent: the next batch accounts for it, and begins that much before `seq`. */
  readonly passed: SkippedCounts;
  /** When the receiver last acknowledged a batch, ms since the epoch; null: it never did. */
  readonly toldAtMs: number | null;
  readonly state: 'active' | 'failing' | 'suspended';
  /** `updated_at` of the subscription that was suspended: any change of it is the owner's word to go on. Empty unless suspended. */
  readonly suspendedVersion: string;
  /** The last `resume` of the subscription that was carried out; empty: none. */
  readonly resumeId: string;
  /** The last time its log had other numbers than it, and it was moved back; null: never. */
  readonly movedBack: MovedBack | null;
  /** ms since the epoch; null unless failing or suspended, and while its outage does not count (a changed subscription). */
  readonly failingSinceMs: number | null;
  /** Name of the last failure (see outcome-policy); empty when there is none. */
  readonly lastError: string;
  /** What its owner was told of the outage, and when the last thing was, ms since the epoch (see notice-policy). */
  readonly noticed: Noticed;
  readonly noticedAtMs: number | null;
  /** What its owner is to be told, and perhaps was: it is told when this is in the topic, and forgotten when it has been. Oldest first. */
  readonly untold: readonly Notice[];
}

/** From where to where a cursor was moved whose log had other numbers, and when, ms since the epoch. */
export interface MovedBack {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly atMs: number;
}

/** Before the first record of the first generation nothing has a seq; where any other seq is, only ClickHouse can say. */
export function firstCursor(startAfterSeq: number, generation: number): Cursor {
  return {
    reset: 0,
    seq: startAfterSeq,
    offset: startAfterSeq === 0 && generation === 1 ? -1 : null,
    generation,
    eventSeq: 0,
    passed: noneSkipped,
    toldAtMs: null,
    state: 'active',
    suspendedVersion: '',
    resumeId: '',
    movedBack: null,
    failingSinceMs: null,
    lastError: '',
    noticed: 'none',
    noticedAtMs: null,
    untold: [],
  };
}

/** What is shown of a cursor that cannot be read. */
export function unreadableCursor(place: CursorPlace, generation: number): Cursor {
  return { ...firstCursor(0, generation), ...place, state: 'failing', lastError: 'cursor_unreadable' };
}

/** Up to here the receiver has been told: prev_to_seq of the next batch. */
export function toldSeq(cursor: Cursor): number {
  return cursor.seq - sumSkipped(cursor.passed);
}

/** An offset of another generation says nothing about this one. The cursor stays one of its own: it is held against what is stored of that (cursor-place-policy). */
export function inGeneration(cursor: Cursor, generation: number): Cursor {
  return cursor.generation === generation ? cursor : { ...cursor, offset: null };
}

/** The greater of two cursors; of equal places the second, which says how things are now, with the farther cut: both are true. */
export function laterCursor(known: Cursor | undefined, other: Cursor): Cursor {
  if (known === undefined) return other;
  const order = comparePlaces(known, other);
  if (order > 0) return known;
  if (order < 0 || known.generation !== other.generation) return other;
  return { ...other, offset: fartherCut(known.offset, other.offset) };
}

/** Of two cuts for the same seq. */
export function fartherCut(one: number | null, other: number | null): number | null {
  if (one === null) return other;
  return other === null ? one : Math.max(one, other);
}

export function cursorBytes(cursor: Cursor): Buffer {
  return Buffer.from(
    JSON.stringify({
      version: 1,
      reset: cursor.reset,
      seq: cursor.seq,
      offset: cursor.offset,
      generation: cursor.generation,
      event_seq: cursor.eventSeq,
      passed: cursor.passed,
      told_at: timeText(cursor.toldAtMs),
      state: cursor.state,
      suspended_version: cursor.suspendedVersion,
      resume_id: cursor.resumeId,
      moved_back: storedMove(cursor.movedBack),
      failing_since: timeText(cursor.failingSinceMs),
      last_error: cursor.lastError,
      noticed: cursor.noticed,
      noticed_at: timeText(cursor.noticedAtMs),
      untold: cursor.untold.map(storedNotice),
    }),
  );
}

const states = ['active', 'failing', 'suspended'] as const;

/** Undefined for what is no cursor. Members that a later version added are ignored. */
export function parseCursor(bytes: Buffer): Cursor | undefined {
  const value = parseObject(bytes);
  if (value === undefined || value['version'] !== 1) return undefined;
  const { reset, seq, offset, generation, event_seq: eventSeq } = value;
  const { failing_since: failingSince, last_error: lastError, suspended_version: suspendedVersion } = value;
  const { resume_id: resumeId } = value;
  const state = states.find((name) => name === value['state']);
  if (!isCount(reset) || !isCount(seq) || !isCount(generation) || !isCount(eventSeq) || state === undefined)
    return undefined;
  if (offset !== null && !Number.isSafeInteger(offset)) return undefined;
  const passed = parseSkipped(value['passed'] ?? {});
  if (passed === undefined || sumSkipped(passed) > seq) return undefined;
  return {
    reset,
    seq,
    offset: offset === null ? null : Number(offset),
    generation,
    eventSeq,
    passed,
    toldAtMs: parseTime(value['told_at']),
    state,
    suspendedVersion: typeof suspendedVersion === 'string' ? suspendedVersion : '',
    resumeId: typeof resumeId === 'string' ? resumeId : '',
    movedBack: parseMove(value['moved_back']),
    failingSinceMs: parseTime(failingSince),
    lastError: typeof lastError === 'string' ? lastError : '',
    noticed: noticedStates.find((name) => name === value['noticed']) ?? 'none',
    noticedAtMs: parseTime(value['noticed_at']),
    untold: parseNotices(value['untold']),
  };
}

function storedMove(moved: MovedBack | null): object | null {
  return moved === null ? null : { from_seq: moved.fromSeq, to_seq: moved.toSeq, at: timeText(moved.atMs) };
}

/** Null for what is none. */
function parseMove(value: unknown): MovedBack | null {
  const { from_seq: fromSeq, to_seq: toSeq, at }: Record<string, unknown> = { ...Object(value) };
  const atMs = parseTime(at);
  return isCount(fromSeq) && isCount(toSeq) && atMs !== null ? { fromSeq, toSeq, atMs } : null;
}
