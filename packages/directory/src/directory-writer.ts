import type { KafkaClient } from '@docket/kafka';
import type { HealthCheck } from '@docket/runtime';

import { recordKeyOf, recordOfEntity, usedTombstoneOf } from './directory-record-mapper.ts';
import type { DirectoryReader } from './directory-state.ts';
import type { DirectoryView } from './directory-view.ts';
import { createWritership } from './directory-writership.ts';
import type { Entity, EntityKind } from './entities.ts';
import { entityOf, isShown, untilShown } from './read-back.ts';
import { createTurns } from './turns.ts';

/** What a decision writes, in one transaction, and what it answers. Nothing to write is a fine decision. */
export interface Decision<Result> {
  readonly puts?: readonly Entity[];
  readonly removes?: readonly { readonly kind: EntityKind; readonly id: string }[];
  readonly result: Result;
}

/** Pure: decides on the directory as it is. May throw to refuse. */
export type Decide<Result> = (directory: DirectoryReader) => Decision<Result>;

export interface DirectoryWriter {
  /** Becomes the one writer, trying until it is or until `stop`. Returns at once; `check` says how it went. */
  start(): void;
  /**
   * Decides on the directory as it is and writes what was decided, one at a time and in order: two decisions never rest on the same state.
   * Resolves when this process's own view has applied the change (read your writes).
   * Rejects as `decide` throws, or with kafka_unavailable (the change may still appear: look before repeating it; unless its turn has not come within
   * 10 s, and it never will), writer_fenced, not_caught_up, not_ready or overloaded.
   */
  change<Result>(decide: Decide<Result>): Promise<Result>;
  stop(): Promise<void>;
  check(): HealthCheck;
}

const acquireRetryMs = 1_000;
/** I8: people and deploy scripts change the directory; more waiting than this is a loop gone wild. */
const waitingMax = 200;
/** Without Kafka each change takes its 15 s to fail; who has waited so long for his turn is told to come back instead. */
const waitMsMax = 10_000;

/** The single writer of the directory. A later one fences it; `onFenced` is then called once, and the process must end. */
export function createDirectoryWriter(
  kafka: KafkaClient,
  options: { readonly view: DirectoryView; onFenced(error: Error): void },
): DirectoryWriter {
  const { view } = options;
  const writership = createWritership(kafka, { view, onFenced: (error) => options.onFenced(error) });
  const turns = createTurns({ waitingMax, waitMsMax });
  let retryTimer: NodeJS.Timeout | undefined;

  const decideAndWrite = async <Result>(decide: Decide<Result>): Promise<Result> => {
    await writership.acquire();
    const { puts = [], removes = [], result } = decide(view);
    const tombstones = removes.flatMap(({ kind, id }) => [
      { key: recordKeyOf(kind, id), value: null },
      ...(kind === 'key' ? [usedTombstoneOf(id)] : []),
    ]);
    if (puts.length + tombstones.length === 0) return result;
    await writership.write([...puts.map(recordOfEntity), ...tombstones]);
    await untilShown(
      view,
      () =>
        puts.every((put) => isShown(view, put)) &&
        removes.every(({ kind, id }) => entityOf(view, kind, id) === undefined),
    );
    return result;
  };

  const acquireInBackground = (): void => {
    turns
      .take(() => writership.acquire())
      .catch((error: unknown) => {
        if (writership.state() !== 'acquiring') return;
        kafka.logger.warn({ err: error }, 'writer.acquire_failed');
        retryTimer = setTimeout(acquireInBackground, acquireRetryMs);
      });
  };

  return {
    start: acquireInBackground,
    change: (decide) => turns.take(() => decideAndWrite(decide)),
    stop: async () => {
      clearTimeout(retryTimer);
      await writership.stop();
    },
    check: () => {
      const state = writership.state();
      return state === 'active' ? { ok: true } : { ok: false, detail: `the writer of the directory is ${state}` };
    },
  };
}
