import type { LogRecord } from '@docket/event';

/** A record batch that cannot be handed on, so that its partition cannot go on. */
export interface UnreadableBatch {
  /** Its first offset. */
  readonly offset: number;
  /** Its last offset; null for one whose head cannot be trusted. */
  readonly lastOffset: number | null;
  /**
   * damaged: its checksum does not fit, so other bytes came than the producer sent; they may have changed on their way only ·
   * too_large: it unpacks to more than a reader can hold · undecodable: whole, but not what Kafka writes.
   */
  readonly reason: 'damaged' | 'too_large' | 'undecodable';
  readonly detail: string;
}

/** What one fetch brought of one partition. */
export type FetchedPart =
  | {
      readonly kind: 'records';
      /** Those that read_committed shows, ascending; the first batch may begin before the offset that was asked for. */
      readonly records: readonly LogRecord[];
      /** The last offset that was looked at, hidden ones included. */
      readonly lastOffset: number;
    }
  | { readonly kind: 'unreadable'; readonly batch: UnreadableBatch };

/** The one message that kafkajs is given instead of a part's records. It looks at nothing else of it. */
export interface PartMessage {
  readonly offset: string;
  readonly timestamp: '0';
  readonly key: null;
  readonly value: null;
  readonly headers: Readonly<Record<string, never>>;
  readonly isControlRecord: false;
}

const parts = new WeakMap<object, FetchedPart>();
const noHeaders = Object.freeze({});
/** kafkajs leaves out messages before the offset that it asked for. An unreadable batch may not even say its offsets right. */
const behindEverything = String(2n ** 63n - 1n);

/** A message that carries a part through kafkajs, which then does nothing for each record. */
export function messageOf(part: FetchedPart): PartMessage {
  const offset = part.kind === 'records' ? String(part.lastOffset) : behindEverything;
  const message: PartMessage = {
    offset,
    timestamp: '0',
    key: null,
    value: null,
    headers: noHeaders,
    isControlRecord: false,
  };
  parts.set(message, part);
  return message;
}

/** The part that a message carries; undefined for a message that kafkajs itself has decoded. */
export function partOf(message: object | undefined): FetchedPart | undefined {
  return message === undefined ? undefined : parts.get(message);
}
