import { randomUUID } from 'node:crypto';

import { createTransactionalWriter } from '@docket/kafka';
import type { BesideRecord, KafkaClient, TransactionalRecord } from '@docket/kafka';
import { DocketError } from '@docket/runtime';

import { recordOfWriter } from './directory-record-mapper.ts';
import type { DirectoryView } from './directory-view.ts';
import { untilShown } from './read-back.ts';

export type WritershipState = 'acquiring' | 'active' | 'fenced' | 'stopped';

export interface Writership {
  /**
   * After it, the view holds all that any writer has written, this one's last write too, and no other can write without this one being fenced. Calls MUST NOT
   * overlap. Rejects with writer_fenced, kafka_unavailable, not_caught_up or not_ready.
   */
  acquire(): Promise<void>;
  /** Writes all records, also those beside them, in one transaction, or none. Rejects with writer_fenced or kafka_unavailable; then acquire again. */
  write(records: readonly TransactionalRecord[], beside?: readonly BesideRecord[]): Promise<void>;
  state(): WritershipState;
  stop(): Promise<void>;
}

const caughtUpDeadlineMs = 60_000;
/** Below the transactional writer's own deadline of 15 s, which covers it. */
const refreshDeadlineMs = 10_000;

/**
 * Being the one writer of the directory. Kafka decides it, by the transactional id; but Kafka tells a fenced writer only when that one writes. So
 * each announces itself in the topic as well, and whoever reads another's announcement after his own knows at once. `onFenced` is called once.
 */
export function createWritership(
  kafka: KafkaClient,
  options: { readonly view: DirectoryView; onFenced(error: Error): void },
): Writership {
  const { view } = options;
  const writerId = randomUUID();
  let state: WritershipState = 'acquiring';
  let lastAnnounced: string | undefined;
  let wasActive = false;
  /** Behind the last record of this writer. */
  let writtenTo = 0;

  const fenced = (error: Error): void => {
    if (state === 'fenced' || state === 'stopped') return;
    state = 'fenced';
    options.onFenced(error);
  };
  const stopListening = view.onWriter((announced) => {
    lastAnnounced = announced;
    if (state === 'active' && announced !== writerId) fenced(replaced());
  });
  const writer = createTransactionalWriter(kafka, {
    transactionalId: `${kafka.settings.kafkaTopicPrefix}admin`,
    topic: kafka.topics.directory.name,
    onAcquired: () => view.refresh(refreshDeadlineMs),
    onFenced: fenced,
  });

  const write: Writership['write'] = async (records, beside) => {
    const outcome = await writer.write(records, beside);
    if (outcome.ok) {
      writtenTo = outcome.endOffset;
      return;
    }
    if (state === 'active') state = 'acquiring';
    throw outcome.error;
  };

  const acquire = async (): Promise<void> => {
    // Whoever wrote it may have given up before it was read back.
    if (state === 'active') return view.waitUntilReached(writtenTo, refreshDeadlineMs);
    if (state === 'stopped') throw new DocketError('not_ready', 'The admin is stopping.');
    if (state === 'fenced') throw replaced();
    await view.waitUntilCaughtUp(caughtUpDeadlineMs);
    if (wasActive) {
      // Before taking the writership back after an error: a successor may have taken it in good order.
      await view.refresh(refreshDeadlineMs);
      if (lastAnnounced !== writerId) {
        fenced(replaced());
        throw replaced();
      }
    }
    const outcome = await writer.acquire();
    if (!outcome.ok) throw outcome.error;
    await write([recordOfWriter(writerId)]);
    await untilShown(view, () => lastAnnounced === writerId);
    if (isAcquiring(state)) state = 'active';
    wasActive = true;
    kafka.logger.info({ writer_id: writerId }, 'writer.active');
  };

  return {
    acquire,
    write,
    state: () => state,
    stop: async () => {
      state = 'stopped';
      stopListening();
      await writer.stop();
    },
  };
}

function replaced(): DocketError {
  return new DocketError('writer_fenced', 'Another admin has become the writer of the directory.');
}

/** Other turns change the state while one waits; a call keeps the compiler from assuming otherwise. */
function isAcquiring(state: WritershipState): boolean {
  return state === 'acquiring';
}
