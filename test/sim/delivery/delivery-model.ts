import type { ParkedEvent, Subscription } from '@docket/directory';
import type { Cursor } from '../../../services/delivery/src/cursors/cursor-mapper.ts';
import type { DeliveryState, Effect, Input, Resume } from '../../../services/delivery/src/machine/delivery-state.ts';
import type { LogSource } from '../../../services/delivery/src/log/log-source.ts';
import type { Batch } from '../../../services/delivery/src/batches/batch-mapper.ts';
import type { Slots } from '../../../services/delivery/src/slots/slot-policy.ts';
import type { TailBuffer } from '../../../services/delivery/src/log/tail-buffer.ts';
import type { Coverage } from '../coverage.ts';
import type { Random } from '../random.ts';
import type { DeliveryOracle, TopicRecord } from './delivery-oracle.ts';
import type { DeliveryPlant } from './delivery-plants.ts';
import type { ModelReceiver } from './model-receiver.ts';
import type { LogPlace } from './sample-logs.ts';

/** One subscription in one process: the real machine, and what its shell holds for it. */
export interface ModelRow {
  /** With its last change as `updated_at`. */
  subscription: Subscription;
  state: DeliveryState;
  wakeAtMs: number | null;
  /** What was read, one behind the other, until it is answered. */
  held: readonly Batch[];
}

/** A request that somebody waits for. */
export interface Call {
  readonly kind: 'rows' | 'bounds' | 'place' | 'position' | 'send' | 'write' | 'tell';
  /** Stages of it that are done: a server may have done it while its client never hears. */
  isDone: boolean;
  /** Does it, at the server. */
  readonly act: () => void;
  /** The client hears of it, or that it failed. */
  readonly answer: () => void;
  readonly fail: () => void;
}

/** One process: it can be stopped between any two effects. */
export interface ModelProcess {
  readonly name: number;
  isAlive: boolean;
  /** Whether it owns the partition, as it believes. */
  isOwner: boolean;
  tail: TailBuffer | undefined;
  source: LogSource | undefined;
  readonly slots: Slots;
  readonly rows: Map<string, ModelRow>;
  effects: { readonly row: ModelRow; readonly effect: Effect }[];
  inbox: { readonly row: ModelRow; readonly input: Input }[];
  calls: Call[];
  isGrantDue: boolean;
  /** What it knows of the topic of the cursors: as far as it has read, and what it has written since. */
  readonly cursors: Map<string, Cursor>;
  readonly parked: Map<string, Map<number, ParkedEvent>>;
  readTo: number;
  readonly changed: Set<string>;
  /** `subscription seq`. */
  readonly changedParked: Set<string>;
}

export interface DeliveryWorld {
  readonly random: Random;
  readonly coverage: Coverage;
  readonly oracle: DeliveryOracle;
  readonly plant: DeliveryPlant;
  readonly log: readonly LogPlace[];
  readonly subscriptions: readonly Subscription[];
  readonly receivers: ReadonlyMap<string, ModelReceiver>;
  readonly topic: TopicRecord[];
  readonly processes: ModelProcess[];
  /** Records that Kafka, and of them those that ClickHouse has. */
  appended: number;
  stored: number;
  /** Records that retention has cut off what ClickHouse has. */
  cut: number;
  /** Of each subscription, as its owner last changed it. */
  readonly versions: Map<string, string>;
  /** The last order of each to go on elsewhere. */
  readonly resumes: Map<string, Resume>;
  isKafkaDown: boolean;
  isClickHouseDown: boolean;
  nowMs: number;
  names: number;
  /** Requests whose client is gone, and which land all the same. */
  orphans: Call[];
  readonly tailBytesMax: number;
  isFaulty: boolean;
  /** Promises run. */
  isAwaited: boolean;
}
