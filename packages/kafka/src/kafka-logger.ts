import { logLevel } from 'kafkajs';
import type { LogEntry } from 'kafkajs';
import type { Logger } from '@docket/runtime';

/**
 * kafkajs calls every failed try an error, also those that it expects and mends itself: the first use of a group or transactional id, a
 * leader that moved, a rebalance. These are detail; what lasts shows in health, metrics and our own lines.
 */
const selfMending =
  /coordinator|leader|rebalanc|re-joining|not aware of this member|concurrent operation on the same transaction|does not host this topic|Topic creation errors|Restarting the consumer|Response without match/i;

type Level = 'warn' | 'debug' | 'trace';

function levelOf(entry: LogEntry): Level {
  if (entry.level > logLevel.WARN) return entry.level === logLevel.INFO ? 'debug' : 'trace';
  return selfMending.test(entry.log.message) || selfMending.test(String(entry.log['error'] ?? '')) ? 'debug' : 'warn';
}

/** During an outage kafkajs says the same several times a second. */
const repeatAfterMs = 10_000;
/** I8: messages hold names of brokers and topics, so there are few. */
const messagesMax = 500;

/**
 * Bridges kafkajs to pino, one level lower than it claims; the line is `kafka.client`, kafkajs' own words are in `detail`. The same words come at most
 * every 10 s, with the number of `unsaid` ones.
 */
export function kafkajsLogCreator(logger: Logger): () => (entry: LogEntry) => void {
  const said = new Map<string, { atMs: number; unsaid: number }>();
  return () => (entry) => {
    const level = levelOf(entry);
    if (!logger.isLevelEnabled(level)) return;
    const { message, error, broker, groupId, topic, partition } = entry.log;
    const words = `${entry.namespace} ${message}`;
    const before = said.get(words);
    if (before !== undefined && Date.now() - before.atMs < repeatAfterMs) {
      before.unsaid += 1;
      return;
    }
    if (said.size >= messagesMax) said.clear();
    said.set(words, { atMs: Date.now(), unsaid: 0 });
    const unsaid = before === undefined || before.unsaid === 0 ? undefined : before.unsaid;
    logger[level](
      { namespace: entry.namespace, detail: message, error, broker, groupId, topic, partition, unsaid },
      'kafka.client',
    );
  };
}
