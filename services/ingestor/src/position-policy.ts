import { nilId } from '@docket/event';

/** The last record of a partition that ClickHouse holds; null when it holds none. */
export interface StoredPosition {
  readonly offset: number;
}

/** The offsets that Kafka still has: the first one, and the one that the next record will take. */
export interface KafkaRange {
  readonly earliest: number;
  readonly next: number;
}

export type StartDecision =
  /** Fetch from here; with `expectStored` the first record must be the last stored one. */
  | { readonly kind: 'fetch'; readonly from: number; readonly expectStored: boolean }
  /** The log of Kafka and the prefix in ClickHouse do not meet: nothing may be written before an operator decides. */
  | { readonly kind: 'stop'; readonly reason: 'truncated' | 'beyond_end'; readonly detail: string };

/**
 * Where a partition's reading begins. Fetching starts at the last stored record and not after it, so that a recreated topic is
 * recognised; when retention has just removed that record, the next one is right, and when it removed more, records are lost.
 */
export function startOf(stored: StoredPosition | null, kafka: KafkaRange): StartDecision {
  const position = stored === null ? 0 : stored.offset + 1;
  if (kafka.next < position) {
    const detail = `ClickHouse holds records up to offset ${position - 1}, but the partition ends at ${kafka.next}: the topic was recreated or truncated`;
    return { kind: 'stop', reason: 'beyond_end', detail };
  }
  if (kafka.earliest > position) {
    const detail = `ClickHouse holds records up to offset ${position - 1}, but the partition begins at ${kafka.earliest}: records between were removed before they were stored`;
    return { kind: 'stop', reason: 'truncated', detail };
  }
  if (stored !== null && kafka.earliest <= stored.offset)
    return { kind: 'fetch', from: stored.offset, expectStored: true };
  return { kind: 'fetch', from: position, expectStored: false };
}

/** What tells one record of a partition from another. */
export interface RecordIdentity {
  readonly offset: number;
  /** ms since the epoch: the broker's append time. */
  readonly receivedAtMs: number;
  readonly log: string;
  /** The event's id, or the nil UUID for a record in which none could be read. */
  readonly id: string;
}

/**
 * Whether Kafka's record at the last stored offset is the stored one. The id counts where it could be read both times: a schema that
 * was unknown when the record was stored may be known now, and the other way round, and the topic is the same all the same.
 */
export function isSameRecord(found: RecordIdentity, stored: RecordIdentity): boolean {
  const isAtItsPlace =
    found.offset === stored.offset && found.receivedAtMs === stored.receivedAtMs && found.log === stored.log;
  return isAtItsPlace && (found.id === stored.id || found.id === nilId || stored.id === nilId);
}
