import type { KafkaClient, Publisher } from '@docket/kafka';
import { usedRecordOf } from './directory-record-mapper.ts';

/** Whoever takes keys notes which; that a key is used shows in the directory within so much time. */
const noteEveryMs = 30_000;
/** I8: noted at once; the directory holds no more keys. */
const notedMax = 20_000;

export interface KeyUses {
  /** The key was taken at this time. Costs no request. */
  note(keyId: string, atMs: number): void;
  start(): void;
  /** Tells what is noted, and ends. */
  stop(): Promise<void>;
}

/**
 * Tells the directory when keys were last used: one record for each key that was used, every half minute, whatever the number of requests. The records
 * are no part of what the directory's writer decides on, and lose nothing that matters when one is lost: the next use tells again.
 */
export function createKeyUses(
  kafka: KafkaClient,
  options: { readonly publisher: Pick<Publisher, 'publish'>; readonly everyMs?: number },
): KeyUses {
  const { publisher, everyMs = noteEveryMs } = options;
  const topic = kafka.topics.directory.name;
  let noted = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;

  async function tell(): Promise<void> {
    const told = noted;
    noted = new Map();
    if (told.size === 0) return;
    const records = [...told].map(([keyId, atMs]) => ({ ...usedRecordOf(keyId, atMs), partition: 0 }));
    const outcomes = await publisher.publish(topic, records);
    const failed = outcomes.find((outcome) => !outcome.ok);
    if (failed?.ok === false) kafka.logger.warn({ err: failed.error, keys: told.size }, 'key_uses.not_told');
  }

  return {
    note(keyId, atMs) {
      if (noted.has(keyId) || noted.size < notedMax) noted.set(keyId, atMs);
    },
    start() {
      timer = setInterval(() => void tell(), everyMs);
    },
    async stop() {
      clearInterval(timer);
      await tell();
    },
  };
}
