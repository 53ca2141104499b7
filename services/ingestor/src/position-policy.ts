import type { PartitionHeads } from '@docket/clickhouse';
import { nilId } from '@docket/event';
import type { PassedRange } from '@docket/kafka';

/** What ClickHouse holds of a partition in this generation. */
export interface StoredPosition {
  /** Of the last record; null when it holds none. */
  readonly lastOffset: number | null;
  /** Where reading begins when it holds none. */
  readonly startOffset: number;
}

/** The offsets that Kafka still has: the first one, and the one that the next record will take. */
export interface KafkaRange {
  readonly earliest: number;
  readonly next: number;
  /** Tells this topic from another one of its name, read after the offsets; absent when Kafka does not say. */
  readonly topicId?: string;
  /** What an ingestor has noted, if any. */
  readonly passed?: PassedRange;
}

/** Why the log of Kafka and the prefix in ClickHouse do not meet: nothing may be written before an operator decides. */
export type StopReason = 'truncated' | 'beyond_end' | 'another_record';

export type StartDecision =
  /** Fetch from here; with `expectStored` the first record must be the last stored one. */
  | { readonly kind: 'fetch'; readonly from: number; readonly expectStored: boolean }
  | { readonly kind: 'stop'; readonly reason: StopReason; readonly detail: string };

interface StoredAndKafka {
  readonly stored: Pick<PartitionHeads, 'last' | 'startOffset'>;
  readonly kafka: KafkaRange;
}

/** What an operator can do about a partition that has stopped. */
export function remedyOf(partition: number): string {
  return `\`docket accept-loss --partition ${partition}\` says what is lost, and lets it go on with --yes`;
}

/**
 * Where a partition's reading begins. Fetching starts at the last stored record and not after it, so that a recreated topic is
 * recognised; when retention has just removed that record, the next one is right, and when it removed more, records are lost, unless
 * all that was removed is known to have held no data.
 */
export function startOf({ lastOffset, startOffset }: StoredPosition, kafka: KafkaRange): StartDecision {
  const position = lastOffset === null ? startOffset : lastOffset + 1;
  if (kafka.next < position) {
    const detail = `ClickHouse holds what is below offset ${position}, but Kafka ends at ${kafka.next}: the topic was recreated or truncated`;
    return { kind: 'stop', reason: 'beyond_end', detail };
  }
  if (kafka.earliest > position && !isKnownToBeEmpty(position, kafka)) {
    const detail = `ClickHouse holds what is below offset ${position}, but Kafka begins at ${kafka.earliest}: what was between was removed before it was stored`;
    return { kind: 'stop', reason: 'truncated', detail };
  }
  if (lastOffset !== null && kafka.earliest <= lastOffset)
    return { kind: 'fetch', from: lastOffset, expectStored: true };
  return { kind: 'fetch', from: Math.max(position, kafka.earliest), expectStored: false };
}

/** The same of a partition as it was read. */
export function startAt({ stored: { last, startOffset }, kafka }: StoredAndKafka): StartDecision {
  return startOf({ lastOffset: last === null ? null : last.headOffset, startOffset }, kafka);
}

/**
 * Whether nothing between the position and the beginning of Kafka's log can have held data. A position below the noted range, because
 * ClickHouse lost rows or was restored, leaves the rows between unexplained; another topic of the same name has another id.
 */
function isKnownToBeEmpty(position: number, { earliest, topicId, passed }: KafkaRange): boolean {
  if (passed === undefined || passed.topicId !== topicId) return false;
  return passed.from <= position && earliest <= passed.to;
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
