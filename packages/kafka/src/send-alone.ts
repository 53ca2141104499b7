import type { Logger } from '@docket/runtime';

import { pauseFor } from './deadline.ts';
import { isRetriable, isTooLarge, kafkaUnavailable } from './kafka-errors.ts';
import type { Entry, Group } from './publish-lanes.ts';

const backoff = { firstMs: 50, maxMs: 500 };

export interface SendPorts {
  /** One request. Settles what Kafka acknowledges and takes it out of its group; undefined when that is all. Never rejects. */
  readonly trySend: (groups: readonly Group[]) => Promise<Error | undefined>;
  /** They wait no more. */
  readonly release: (entries: readonly Entry[]) => void;
  readonly logger: Logger;
}

/**
 * After a failed request each partition goes on alone, so that a sick one fails alone (I7). Ends when nobody waits any more. What
 * Kafka calls too large is halved, so that no record is rejected for the company it was in.
 * @param isItsOwn whether `firstError` is the answer to this group and no other.
 */
export async function sendAlone(
  group: Group,
  firstError: Error | undefined,
  isItsOwn: boolean,
  ports: SendPorts,
): Promise<void> {
  const { lane, entries } = group;
  let error = firstError;
  let mayReject = isItsOwn;
  for (let delayMs = backoff.firstMs; ; delayMs = Math.min(delayMs * 2, backoff.maxMs)) {
    dropSettled(group, ports);
    if (error === undefined || entries.length === 0) return;
    if (mayReject && !isRetriable(error)) {
      if (isTooLarge(error) && entries.length > 1) return sendHalves(group, ports);
      return reject(group, error, ports);
    }
    ports.logger.debug({ err: error, topic: lane.topic, partition: lane.partition }, 'publish.retried');
    await pauseFor(delayMs * (0.5 + Math.random() / 2));
    dropSettled(group, ports);
    if (entries.length > 0) error = await ports.trySend([group]);
    mayReject = true;
  }
}

/** One after the other: the order of the calls stays (publish-lanes.ts). */
async function sendHalves({ lane, entries }: Group, ports: SendPorts): Promise<void> {
  const { topic, partition } = lane;
  ports.logger.debug({ topic, partition, records: entries.length }, 'publish.halved');
  const first = entries.splice(0, Math.ceil(entries.length / 2));
  for (const half of [first, entries.splice(0)]) {
    const group: Group = { lane, entries: half };
    dropSettled(group, ports);
    if (half.length > 0) await sendAlone(group, await ports.trySend([group]), true, ports);
  }
}

function reject(group: Group, cause: Error, ports: SendPorts): void {
  const error = kafkaUnavailable(`publishing to ${group.lane.topic}`, cause);
  for (const entry of group.entries) entry.settle({ ok: false, reason: 'rejected', error });
  dropSettled(group, ports);
}

function dropSettled({ entries }: Group, { release }: SendPorts): void {
  release(entries.filter((entry) => entry.isSettled));
  const left = entries.filter((entry) => !entry.isSettled);
  entries.splice(0, entries.length, ...left);
}
