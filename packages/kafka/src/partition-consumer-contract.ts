import type { LogRecord } from '@docket/event';

import type { UnreadableBatch } from './fetch/fetched-part.ts';

/** What this member was given at one rebalance. Work of an older assignment id is worthless: drop it. */
export interface Assignment {
  /** A new UUID each time; the ingestor uses it as the owner in the fence. */
  readonly id: string;
  readonly partitions: readonly number[];
}

export interface PartitionBatch {
  readonly assignmentId: string;
  readonly partition: number;
  /** Where the fetch began: always the end of the batch before, or the offset of `resumeAt`. */
  readonly fetchedOffset: number;
  /** Committed data records, ascending; offsets may have gaps. None, if the fetch held only control or aborted ones. */
  readonly records: readonly LogRecord[];
  /** The last offset of the fetch, control records included: the position goes on at lastOffset + 1. */
  readonly lastOffset: number;
  /** The partition's end when this was fetched. */
  readonly highWatermark: number;
}

export interface PositionJump {
  readonly assignmentId: string;
  readonly partition: number;
  readonly expectedOffset: number;
  readonly foundOffset: number;
}

export interface UnreadableFetch {
  readonly assignmentId: string;
  readonly partition: number;
  readonly batch: UnreadableBatch;
  /** Fetches in a row that ended like this. */
  readonly failures: number;
  /** When it is fetched again. */
  readonly retryInMs: number;
}

export interface PartitionConsumerOptions {
  readonly groupId: string;
  readonly topic: string;
  /**
   * Called synchronously at every join, with all partitions paused; MUST return at once. Prepare, then call `resumeAt` for each partition.
   * An empty list means: a member without work.
   */
  onAssigned(assignment: Assignment): void;
  /** The group took the assignment back, or the connection to it is gone. Another `onAssigned` follows when this member joins again. */
  onLost?(assignmentId: string): void;
  /**
   * Takes the records of one fetch of one partition; batches of one partition come one at a time and in order, also when the connection fails
   * meanwhile. May return before they are stored. A promise holds back the next batch of this partition; the others go on (I7).
   */
  onBatch(batch: PartitionBatch): Promise<void> | void;
  /** The partition's position after each fetch, also one that held nothing but control or aborted records. */
  onPosition?(partition: number, nextOffset: number): void;
  /** kafkajs moved without being asked. The partition is stopped until `resumeAt`. */
  onPositionJump(jump: PositionJump): void;
  /**
   * The next batch of a partition cannot be read. Nothing is skipped: the partition waits, and the batch is fetched again and again,
   * while the other partitions go on (I7). It is over with the next `onBatch` of the partition. Logged by the consumer.
   */
  onUnreadable?(found: UnreadableFetch): void;
  /** The consumer has ended for good, for a reason that a retry does not mend: end the process. */
  onCrash(error: Error): void;
  readonly minBytes?: number;
  readonly maxBytes?: number;
  /** Default 1,048,588: what brokers let a batch be by default. */
  readonly maxBytesPerPartition?: number;
  /** Longest wait of the broker for `minBytes`, and how late a `resume` is noticed. Default 100. */
  readonly maxWaitMs?: number;
  /** From one fetch that brought something to the next, at least: what comes meanwhile is fetched together. Default 0. */
  readonly paceMs?: number;
  /** After this time without a heartbeat the group gives the partitions to others. Default 6,000, the least that brokers grant. */
  readonly sessionTimeoutMs?: number;
}

export interface PartitionConsumer {
  /** Returns at once; joins in the background and again whenever Kafka comes back. */
  start(): void;
  /** Leaves the group. At most 10 s. */
  stop(): Promise<void>;
  /** The present assignment; undefined while not a member. */
  assignment(): Assignment | undefined;
  /** Begins a partition at exactly this offset. False when the assignment is not the present one. */
  resumeAt(assignmentId: string, partition: number, offset: number): boolean;
  /** Stops handing out a partition at once; its position stays. */
  pause(assignmentId: string, partition: number): boolean;
  /** Goes on where `pause` stopped. */
  resume(assignmentId: string, partition: number): boolean;
  /**
   * Tells the group how far a partition is stored, best effort, once a second: for lag dashboards, and for who can make use of the
   * note. Of several, the last counts. A member that was replaced meanwhile may still be heard.
   */
  commit(assignmentId: string, partition: number, nextOffset: number, note?: string): void;
}
