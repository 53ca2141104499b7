import type { IngestMachine } from '../../services/ingestor/src/ingest-machine.ts';
import type {
  AssignedPartitions,
  IngestEffect,
  IngestInput,
  IngestState,
} from '../../services/ingestor/src/ingest-state.ts';
import type { Coverage } from './coverage.ts';
import type { ModelClickHouse } from './model-clickhouse.ts';
import type { ModelKafka } from './model-kafka.ts';
import type { Oracle } from './oracle.ts';
import type { Plant } from './plants.ts';
import type { Random } from './random.ts';
import type { CreateIntake, SimPart } from './sim-part.ts';

export type SimEffect = IngestEffect<SimPart>;

export interface Position {
  nextOffset: number;
  isOpen: boolean;
  readonly incarnation: number;
}

export interface Timer {
  readonly atMs: number;
  readonly input: IngestInput;
}

/** What the group has to say; an instance that does not listen goes on as if nothing had been said. */
export type Mail =
  | { readonly kind: 'lost'; readonly assignmentId: string }
  | { readonly kind: 'assigned'; readonly assignment: AssignedPartitions };

/** One process: the real machine, and a shell that can be stopped between any two effects. */
export interface ModelInstance {
  readonly name: number;
  readonly machine: IngestMachine<SimPart>;
  state: IngestState<SimPart>;
  isAlive: boolean;
  isFrozen: boolean;
  /** It hears late what the group says. */
  isDeaf: boolean;
  /** Whether it reaches ClickHouse and Kafka's producers' side. */
  isLinked: boolean;
  effects: SimEffect[];
  timers: Timer[];
  mail: Mail[];
  /** What was fetched and is not handed on yet. */
  slices: IngestInput<'records' | 'passed'>[];
  assignment: AssignedPartitions | undefined;
  readonly positions: Map<number, Position>;
}

/** What leaves the process and is answered. */
export type CallEffect = Extract<
  IngestEffect<SimPart>,
  { kind: 'claim' | 'kill' | 'readPlaces' | 'readPast' | 'publishStrays' | 'insertBlock' | 'keepHeads' }
>;

/** A server's work on one request; at every `yield` anything else may happen. */
export type Work = Generator<void, IngestInput>;

/** One request: the client may stop waiting for it, and the server goes on all the same. */
export interface Call {
  readonly effect: CallEffect;
  readonly instance: ModelInstance;
  readonly work: Work;
  /** The server takes its time for the next stage. */
  isSlow: boolean;
  /** Whether the server has begun. */
  isBegun: boolean;
  isServerDone: boolean;
  isClientGone: boolean;
  /** The answer, on its way. */
  answer: IngestInput | undefined;
}

/** What goes wrong in a seed, and how often. */
export interface Temper {
  /** Of faults in general. */
  readonly faultiness: number;
  /** How often the group changes its mind, beside what faults make it do. */
  readonly unrest: number;
  /** Of instances that hear of it late: they go on as zombies. */
  readonly deafness: number;
  /** Of stages that take a server long: of inserts, and of everything else. */
  readonly insertSlowness: number;
  readonly slowness: number;
  /** How much producers write. */
  readonly writing: number;
}

/** Everything there is in one seed. */
export interface World {
  readonly random: Random;
  readonly kafka: ModelKafka;
  readonly clickhouse: ModelClickHouse;
  readonly oracle: Oracle;
  readonly coverage: Coverage;
  readonly plant: Plant;
  readonly createIntake: CreateIntake;
  readonly instances: ModelInstance[];
  /** Requests that somebody still waits for, or that a server still works on. */
  calls: Call[];
  nowMs: number;
  isLateSchemaKnown: boolean;
  owners: number;
  /** Whether things go wrong; not any more while a seed runs out. */
  isFaulty: boolean;
  readonly temper: Temper;
}
