import type { BesideRecord, KafkaClient } from '@docket/kafka';
import { DocketError } from '@docket/runtime';
import type { HealthCheck, Logger } from '@docket/runtime';

import { recordKeyOf, recordOfEntity, usedTombstoneOf } from './directory-record-mapper.ts';
import type { DirectoryReader } from './directory-state.ts';
import type { DirectoryView } from './directory-view.ts';
import { createWritership } from './directory-writership.ts';
import type { Writership } from './directory-writership.ts';
import type { Entity, EntityKind } from './entities.ts';
import { entityOf, isShown, untilShown } from './read-back.ts';
import { createTurns } from './turns.ts';
import type { Turns } from './turns.ts';

/** What a decision writes, in one transaction, and what it answers. Nothing to write is a fine decision. */
export interface Decision<Result> {
  readonly puts?: readonly Entity[];
  readonly removes?: readonly { readonly kind: EntityKind; readonly id: string }[];
  readonly result: Result;
}

/** Pure: decides on the directory as it is. May throw to refuse. */
export type Decide<Result> = (directory: DirectoryReader) => Decision<Result>;

/** An entity that a decision writes: as it was, and as it will be; one of them is there. */
export interface EntityChange {
  readonly before: Entity | undefined;
  readonly after: Entity | undefined;
}

/** What a decision came to, for what is written beside it. */
export interface Decided<Result> {
  readonly changes: readonly EntityChange[];
  readonly result: Result;
}

export interface DirectoryWriter {
  /** Becomes the one writer, trying until it is or until `stop`, and again after a write that failed. Returns at once; `check` says how it went. */
  start(): void;
  /**
   * Decides on the directory as it is and writes what was decided, one at a time, in the order of each owner's: two decisions never rest on the same state.
   * Resolves when this process's own view has applied the change (read your writes), or within 5 s rejects: as `decide` or `beside` throws, or with
   * kafka_unavailable (the change may still appear: look before repeating it; unless its turn has not come, and it never will), writer_fenced,
   * not_caught_up, not_ready, rate_limited (too many of the owner's wait) or overloaded.
   * @param beside records of other topics that are written in the same transaction as the change: all of it is there, or nothing.
   * @param owner who waits for it, such as a key: owners come in turn (I7). Default: nobody in particular.
   */
  change<Result>(
    decide: Decide<Result>,
    beside: (decided: Decided<Result>) => readonly BesideRecord[],
    owner?: string,
  ): Promise<Result>;
  stop(): Promise<void>;
  check(): HealthCheck;
  /** I8: changes that wait for their answer, and the limit. */
  stats(): { readonly waiting: number; readonly waitingMax: number };
}

const acquireRetryMs = 1_000;
/** I8: people and deploy scripts change the directory; more waiting than this is a loop gone wild. A change takes some ten ms: so many are made within the time for an answer. */
const waitingMax = 200;
const nobody = '';
/** Without Kafka a change takes 15 s and more to fail; its caller is told within 5 s. */
const answerMsMaxDefault = 4_500;
/** Above all that becoming the writer waits for. */
const acquireMsMax = 120_000;

interface WriterOptions {
  readonly view: DirectoryView;
  /** How long a change may take before its caller is told so. Default 4,500. */
  readonly answerMsMax?: number;
}

/** The single writer of the directory. A later one fences it; `onFenced` is then called once, and the process must end. */
export function createDirectoryWriter(
  kafka: KafkaClient,
  options: WriterOptions & { onFenced(error: Error): void },
): DirectoryWriter {
  const writership = createWritership(kafka, { view: options.view, onFenced: (error) => options.onFenced(error) });
  return writerWith(writership, { ...options, logger: kafka.logger });
}

/** The writer of whoever has the writership: what is decided, and when. */
export function writerWith(
  writership: Writership,
  { view, answerMsMax = answerMsMaxDefault, logger }: WriterOptions & { readonly logger: Pick<Logger, 'warn'> },
): DirectoryWriter {
  const turns = createTurns({ waitingMax });
  const acquisition = createAcquisition(writership, turns, logger);

  const decideAndWrite = async <Result>(
    decide: Decide<Result>,
    besideOf: (decided: Decided<Result>) => readonly BesideRecord[],
    isLate: () => boolean,
  ): Promise<Result> => {
    await writership.acquire();
    if (isLate()) throw new DocketError('kafka_unavailable', 'Kafka came back too late for the change.');
    const { puts = [], removes = [], result } = decide(view);
    const tombstones = removes.flatMap(({ kind, id }) => [
      { key: recordKeyOf(kind, id), value: null },
      ...(kind === 'key' ? [usedTombstoneOf(id)] : []),
    ]);
    const changes = [
      ...puts.map((after) => ({ before: entityOf(view, after.kind, after.id), after })),
      ...removes.map(({ kind, id }) => ({ before: entityOf(view, kind, id), after: undefined })),
    ];
    const beside = besideOf({ changes, result });
    const records = [...puts.map(recordOfEntity), ...tombstones];
    if (records.length + beside.length === 0) return result;
    await writership.write(records, beside);
    await untilShown(
      view,
      () =>
        puts.every((put) => isShown(view, put)) &&
        removes.every(({ kind, id }) => entityOf(view, kind, id) === undefined),
    );
    return result;
  };

  const changeInTurn = async <Result>(...change: Parameters<typeof decideAndWrite<Result>>): Promise<Result> => {
    try {
      return await decideAndWrite(...change);
    } finally {
      // Nobody may come with another change: an admin that is not ready is sent none.
      acquisition.begin();
    }
  };

  return {
    start: () => acquisition.begin(),
    change: (decide, beside, owner = nobody) =>
      turns.take(owner, (isLate) => changeInTurn(decide, beside, isLate), answerMsMax),
    stop: async () => {
      acquisition.stop();
      await writership.stop();
    },
    check: () => {
      const state = writership.state();
      return state === 'active' ? { ok: true } : { ok: false, detail: `the writer of the directory is ${state}` };
    },
    stats: () => ({ waiting: turns.waiting(), waitingMax }),
  };
}

interface Acquisition {
  /** Tries at once and then again and again, until this is the writer, fenced or stopped. Nothing where it is, or is being tried. */
  begin(): void;
  stop(): void;
}

/** Becoming the writer in the background, in turn with the changes. */
function createAcquisition(writership: Writership, turns: Turns, logger: Pick<Logger, 'warn'>): Acquisition {
  let isTrying = false;
  let retryTimer: NodeJS.Timeout | undefined;

  const attempt = async (): Promise<void> => {
    try {
      await turns.take(nobody, () => writership.acquire(), acquireMsMax);
    } catch (error) {
      if (writership.state() === 'acquiring') logger.warn({ err: error }, 'writer.acquire_failed');
    }
    isTrying = writership.state() === 'acquiring';
    if (isTrying) retryTimer = setTimeout(() => void attempt(), acquireRetryMs);
  };

  return {
    begin: () => {
      if (isTrying || writership.state() !== 'acquiring') return;
      isTrying = true;
      void attempt();
    },
    stop: () => clearTimeout(retryTimer),
  };
}
