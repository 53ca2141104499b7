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
