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

/** Bridges kafkajs to pino, one level lower than it claims; the line is `kafka.client`, kafkajs' own words are in `detail`. */
export function kafkajsLogCreator(logger: Logger): () => (entry: LogEntry) => void {
  return () => (entry) => {
    const level = levelOf(entry);
    if (!logger.isLevelEnabled(level)) return;
    const { message, error, broker, groupId, topic, partition } = entry.log;
    logger[level](
      { namespace: entry.namespace, detail: message, error, broker, groupId, topic, partition },
      'kafka.client',
    );
  };
}
