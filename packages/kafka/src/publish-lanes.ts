import { sizeOfRecord } from './produce/record-batch-encoder.ts';
import type { BatchRecord } from './produce/record-batch-encoder.ts';

/** One record on its way, from `publish` until its outcome is known. */
export interface Entry {
  readonly record: BatchRecord;
  /** Of `queuedBytesOf`. */
  readonly bytes: number;
  /** Gives the caller its outcome; only the first call counts. */
  readonly settle: (outcome: PublishOutcome) => void;
  isSettled: boolean;
}

export type PublishOutcome =
  | { readonly ok: true; readonly partition: number; readonly offset: number }
  | {
      readonly ok: false;
      /**
       * overloaded: the publisher's queue is full, nothing was sent · unavailable: not acknowledged by the deadline; it may still appear ·
       * rejected: Kafka will never take it, or the publisher is stopped.
       */
      readonly reason: 'overloaded' | 'unavailable' | 'rejected';
      readonly error: Error;
    };

/** One partition of one topic: at most one request under way, so that a retry never overtakes (order within a key). */
export interface Lane {
  readonly topic: string;
  readonly partition: number;
  waiting: Entry[];
  isBusy: boolean;
}

/** What one request carries for one partition. */
export interface Group {
  readonly lane: Lane;
  readonly entries: Entry[];
}

export interface RequestLimits {
  /** A partition's records are one record batch, which the broker takes up to message.max.bytes (1,048,588 by default). */
  readonly partitionBytesMax: number;
  /** They are encoded at a stretch. */
  readonly partitionRecordsMax: number;
  readonly requestBytesMax: number;
}

/** The objects that hold a waiting record; more than its share of a batch's head. */
const recordOverheadBytes = 100;

/** What a record takes while it waits: never less than in the batch that carries it, so that a group is no more than it counts. */
export function queuedBytesOf(record: BatchRecord): number {
  return recordOverheadBytes + sizeOfRecord(record);
}

/** Takes from every idle lane what one request may carry, oldest first, and marks those lanes busy. A record over the limits goes alone. */
export function takeGroups(lanes: Iterable<Lane>, limits: RequestLimits): Group[] {
  const groups: Group[] = [];
  let requestBytes = 0;
  for (const lane of lanes) {
    if (lane.isBusy || lane.waiting.length === 0) continue;
    if (requestBytes >= limits.requestBytesMax) break;
    const count = countThatFit(lane.waiting, limits);
    const entries = lane.waiting.splice(0, count);
    for (const entry of entries) requestBytes += entry.bytes;
    lane.isBusy = true;
    groups.push({ lane, entries });
  }
  return groups;
}

function countThatFit(waiting: readonly Entry[], limits: RequestLimits): number {
  let bytes = 0;
  let count = 0;
  for (const entry of waiting) {
    bytes += entry.bytes;
    if (count > 0 && (bytes > limits.partitionBytesMax || count >= limits.partitionRecordsMax)) break;
    count += 1;
  }
  return count;
}
