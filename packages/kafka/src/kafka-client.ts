import { readFileSync } from 'node:fs';
import { Kafka, logLevel } from 'kafkajs';
import type { Admin } from 'kafkajs';
import type { Logger } from '@docket/runtime';

import { connectionSecurityOf } from './connection-security-policy.ts';
import type { ConnectionSecurity } from './connection-security-policy.ts';
import { pauseFor, within } from './deadline.ts';
import { kafkajsLogCreator } from './kafka-logger.ts';
import { askingForAllOffsets, changeKafkajs } from './kafkajs-seams.ts';
import type { KafkaSettings } from './settings.ts';
import { topicsOf } from './topics.ts';
import type { Topics } from './topics.ts';

/** One installation on one cluster. Holds no connection: publishers, consumers and views make and close their own. */
export interface KafkaClient {
  readonly settings: KafkaSettings;
  readonly security: ConnectionSecurity;
  readonly topics: Topics;
  readonly clientId: string;
  readonly logger: Logger;
}

/** Reads the certificates that the settings name, once. Throws a SettingsError when the settings do not fit together. */
export function createKafka(settings: KafkaSettings, options: { logger: Logger; clientId: string }): KafkaClient {
  const security = connectionSecurityOf(settings, (file) => readFileSync(file, 'utf8'));
  return { settings, security, topics: topicsOf(settings.kafkaTopicPrefix), ...options };
}

/** A broker that does not take a connection in this time is treated as away. */
const connectionTimeoutMs = 3_000;

export interface ConnectionLimits {
  /** Longest wait for one answer. */
  readonly requestTimeoutMs: number;
  /** Tries of kafkajs after the first, with 100 ms to 1 s between them. */
  readonly retries: number;
}

/** Inside this package only: the kafkajs client with our limits. */
export function kafkajsOf(client: KafkaClient, limits: ConnectionLimits): Kafka {
  changeKafkajs(client.settings.kafkaFetchDecoder);
  return new Kafka({
    brokers: [...client.settings.kafkaBrokers],
    ...client.security,
    clientId: client.clientId,
    connectionTimeout: connectionTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    enforceRequestTimeout: true,
    retry: { retries: limits.retries, initialRetryTime: 100, maxRetryTime: 1_000 },
    logLevel: logLevel.INFO,
    logCreator: kafkajsLogCreator(client.logger),
  });
}

/** Closing is courtesy: a broker that does not answer is left after this time. */
const disconnectDeadlineMs = 3_000;

export async function disconnectQuietly(
  client: KafkaClient,
  what: string,
  disconnect: () => Promise<void>,
): Promise<void> {
  try {
    await within(disconnect(), disconnectDeadlineMs, `closing ${what}`);
  } catch (error) {
    client.logger.debug({ err: error, what }, 'kafka.close_failed');
  }
}

/**
 * Runs short administrative work on a connection of its own. Rejects after `deadlineMs` whatever Kafka does. `isUncommitted`: the ends of partitions are
 * their high watermarks, and not what readers of committed records can reach.
 */
export async function withAdmin<T>(
  client: KafkaClient,
  deadlineMs: number,
  work: (admin: Admin) => Promise<T>,
  { isUncommitted = false }: { readonly isUncommitted?: boolean } = {},
): Promise<T> {
  const kafka = kafkajsOf(client, { requestTimeoutMs: Math.min(deadlineMs, 10_000), retries: 5 });
  const admin = (isUncommitted ? askingForAllOffsets(kafka) : kafka).admin();
  const run = async (): Promise<T> => {
    await admin.connect();
    return work(admin);
  };
  try {
    return await within(run(), deadlineMs, 'the administrative request');
  } finally {
    await disconnectQuietly(client, 'the admin connection', () => admin.disconnect());
  }
}

/** Polls `probe` until it gives something, at most until the deadline. */
export async function untilDefined<T>(
  probe: () => Promise<T | undefined>,
  options: { deadlineMs: number; intervalMs: number; what: string },
): Promise<T> {
  const endsAtMs = Date.now() + options.deadlineMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (Date.now() >= endsAtMs) throw new Error(`${options.what} did not happen within ${options.deadlineMs} ms`);
    await pauseFor(options.intervalMs);
  }
}
