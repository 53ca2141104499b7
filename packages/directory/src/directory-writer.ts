import { randomUUID } from 'node:crypto';

import { createTransactionalWriter } from '@docket/kafka';
import type { KafkaClient, TransactionalRecord, WriteOutcome } from '@docket/kafka';
import { DocketError } from '@docket/runtime';
import type { HealthCheck } from '@docket/runtime';

import { recordKeyOf, recordOfEntity, recordOfWriter } from './directory-record-mapper.ts';
import type { DirectoryReader } from './directory-state.ts';
import type { DirectoryView } from './directory-view.ts';
import type { Entity, EntityKind } from './entities.ts';

/** What a decision writes, in one transaction, and what it answers. Nothing to write is a fine decision. */
export interface Decision<Result> {
  readonly puts?: readonly Entity[];
  readonly removes?: readonly { readonly kind: EntityKind; readonly id: string }[];
  readonly result: Result;
}

export interface DirectoryWriter {
  /** Becomes the one writer, trying until it is or until `stop`. Returns at once; `check` says how it went. */
  start(): void;
  /**
   * Decides on the directory as it is and writes what was decided, one at a time and in order: two decisions never rest on the same state.
   * Resolves when this process's own view has applied the change (read your writes). `decide` may be async, and may throw to refuse.
   * Rejects with kafka_unavailable (the change may still appear: look before repeating it), writer_fenced, not_caught_up or overloaded.
   */
  change<Result>(decide: (directory: DirectoryReader) => Decision<Result> | Promise<Decision<Result>>): Promise<Result>;
  stop(): Promise<void>;
  check(): HealthCheck;
}

const caughtUpDeadlineMs = 60_000;
/** Below the writer's own deadline of 15 s, which covers it. */
const refreshDeadlineMs = 10_000;
const appliedDeadlineMs = 5_000;
const acquireRetryMs = 1_000;
/** I8: people and deploy scripts change the directory; more waiting than this is a loop gone wild. */
const waitingMax = 200;

/**
 * The single writer of the directory. A later one fences it, by the transactional id when it writes and, sooner, by announcing itself in the
 * topic; `onFenced` is then called once, and the process must end.
 */
export function createDirectoryWriter(
  kafka: KafkaClient,
  options: { view: DirectoryView; onFenced(error: Error): void },
): DirectoryWriter {
  const { view } = options;
  const writerId = randomUUID();
  let state: 'acquiring' | 'active' | 'fenced' | 'stopped' = 'acquiring';
  let lastWriter: string | undefined;
  /** Whether this writer has once been active: then another's announcement means that it has been replaced. */
  let wasActive = false;
  let waiting = 0;
  let tail: Promise<unknown> = Promise.resolve();
  let retryTimer: NodeJS.Timeout | undefined;

  const fenced = (error: Error): void => {
    if (state === 'fenced' || state === 'stopped') return;
    state = 'fenced';
    options.onFenced(error);
  };
  const replaced = (): DocketError =>
    new DocketError('writer_fenced', 'Another admin has become the writer of the directory.');

  const stopListening = view.onWriter((announced) => {
    lastWriter = announced;
    if (state === 'active' && announced !== writerId) fenced(replaced());
  });
  const writer = createTransactionalWriter(kafka, {
    transactionalId: `${kafka.settings.kafkaTopicPrefix}admin`,
    topic: kafka.topics.directory.name,
    onAcquired: () => view.refresh(refreshDeadlineMs),
    onFenced: fenced,
  });

  const write = async (records: readonly TransactionalRecord[]): Promise<void> => {
    const outcome: WriteOutcome = await writer.write(records);
    if (outcome.ok) return;
    if (state === 'active') state = 'acquiring';
    throw outcome.error;
  };

  /** After it, the view holds all that any writer has written, and no other can write without this one being fenced. */
  const beActive = async (): Promise<void> => {
    if (state === 'active') return;
    if (state !== 'acquiring')
      throw state === 'fenced' ? replaced() : new DocketError('not_ready', 'The admin is stopping.');
    await view.waitUntilCaughtUp(caughtUpDeadlineMs);
    if (wasActive) {
      // Before taking the writership back after an error: a successor may have taken it in good order.
      await view.refresh(refreshDeadlineMs);
      if (lastWriter !== writerId) {
        fenced(replaced());
        throw replaced();
      }
    }
    const outcome = await writer.acquire();
    if (!outcome.ok) throw outcome.error;
    await write([recordOfWriter(writerId)]);
    await applied(view, () => lastWriter === writerId);
    if (isAcquiring(state)) state = 'active';
    wasActive = true;
    kafka.logger.info({ writer_id: writerId }, 'writer.active');
  };

  const serialised = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const run = tail.then(work);
    tail = run.catch(() => undefined);
    return run;
  };

  const decideAndWrite = async <Result>(
    decide: (directory: DirectoryReader) => Decision<Result> | Promise<Decision<Result>>,
  ): Promise<Result> => {
    await beActive();
    const { puts = [], removes = [], result } = await decide(view);
    const records = [
      ...puts.map(recordOfEntity),
      ...removes.map(({ kind, id }) => ({ key: recordKeyOf(kind, id), value: null })),
    ];
    if (records.length === 0) return result;
    await write(records);
    await applied(
      view,
      () =>
        puts.every((put) => isApplied(view, put)) &&
        removes.every(({ kind, id }) => entityOf(view, kind, id) === undefined),
    );
    return result;
  };

  const acquireInBackground = (): void => {
    serialised(beActive).catch((error: unknown) => {
      if (!isAcquiring(state)) return;
      kafka.logger.warn({ err: error }, 'writer.acquire_failed');
      retryTimer = setTimeout(acquireInBackground, acquireRetryMs);
    });
  };

  return {
    start: acquireInBackground,
    change: async (decide) => {
      if (waiting >= waitingMax)
        throw new DocketError('overloaded', `${waiting} changes of the directory are waiting.`);
      waiting += 1;
      try {
        return await serialised(() => decideAndWrite(decide));
      } finally {
        waiting -= 1;
      }
    },
    stop: async () => {
      state = 'stopped';
      clearTimeout(retryTimer);
      stopListening();
      await writer.stop();
    },
    check: () => (state === 'active' ? { ok: true } : { ok: false, detail: `the writer of the directory is ${state}` }),
  };
}

/** Other turns change the state while one waits; a call keeps the compiler from assuming otherwise. */
function isAcquiring(state: string): boolean {
  return state === 'acquiring';
}

function entityOf(directory: DirectoryReader, kind: EntityKind, id: string): Entity | undefined {
  switch (kind) {
    case 'tenant':
      return directory.tenant(id);
    case 'key':
      return directory.key(id);
    case 'subscription':
      return directory.subscription(id);
  }
}

/** The view's entity was read from the same JSON text, so it has the same members in the same order. */
function isApplied(directory: DirectoryReader, put: Entity): boolean {
  return JSON.stringify(entityOf(directory, put.kind, put.id)) === JSON.stringify(put);
}

/** Waits until the view shows what has been written. */
async function applied(view: DirectoryView, isShown: () => boolean): Promise<void> {
  if (isShown()) return;
  await new Promise<void>((resolve, reject) => {
    const check = (): void => {
      if (isShown()) settle(resolve);
    };
    const endings = [view.onChange(check), view.onWriter(check)];
    const timer = setTimeout(() => {
      const message = 'The change was written, but was not read back in time: look before repeating it.';
      settle(() => reject(new DocketError('kafka_unavailable', message)));
    }, appliedDeadlineMs);
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      for (const end of endings) end();
      act();
    };
  });
}
