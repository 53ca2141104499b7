import {
  CompressionTypes,
  Kafka,
  type KafkaConfig,
  logLevel,
  type Message,
  Partitioners,
  type Producer,
} from 'kafkajs';
import { reasonOf } from './error-fields.ts';
import { kafkaVerdictOf } from './kafka/kafka-error-policy.ts';
import { messageOf } from './kafka/message-mapper.ts';
import { createSchemaId, type RegistryOptions } from './kafka/schema-id.ts';
import type { PutAside, Sent, Transport } from './transport.ts';

export interface KafkaTransportOptions {
  /** host:port of some brokers of the cluster. */
  brokers: readonly string[];
  ssl?: KafkaConfig['ssl'] | undefined;
  sasl?: KafkaConfig['sasl'] | undefined;
  /** Of any registry with Confluent's API. `docket migrate` has registered the schema; the transport registers nothing. */
  registry: RegistryOptions;
  /** Default `audit.events`. */
  topic?: string | undefined;
  /** Shown in the brokers' logs and quotas. Default `docket-sdk`. */
  clientId?: string | undefined;
  /** For one whole request. Default 10 s. */
  requestTimeoutMs?: number | undefined;
}

const connectionTimeoutMs = 3_000;

/**
 * Publishes events straight to Kafka, as the gateway would: Avro in the Confluent wire format, keyed by the tenant, on the partition that murmur2 of
 * the key names, acknowledged by all in-sync replicas. For the option `transport` of `createDocket`; nothing else changes. Who may write to the topic
 * may write into every tenant's log: Kafka's ACLs are the only keys.
 *
 * An event that the log would put into quarantine is refused here. Needs `kafkajs` 2 and `@kafkajs/confluent-schema-registry`, which keep connections
 * open: a process that uses it ends after `close()`.
 */
export function kafkaTransport(options: KafkaTransportOptions): Transport {
  const { topic = 'audit.events', requestTimeoutMs = 10_000 } = options;
  const schemaIdOnce = createSchemaId(options.registry, `${topic}-value`);
  const kafka = new Kafka({
    brokers: [...options.brokers],
    clientId: options.clientId ?? 'docket-sdk',
    ...(options.ssl !== undefined && { ssl: options.ssl }),
    ...(options.sasl !== undefined && { sasl: options.sasl }),
    connectionTimeout: connectionTimeoutMs,
    requestTimeout: requestTimeoutMs,
    enforceRequestTimeout: true,
    // Repeating is the sender's work.
    retry: { retries: 1, initialRetryTime: 100, maxRetryTime: 1_000 },
    logLevel: logLevel.NOTHING,
  });
  let connected: Promise<Producer> | undefined;

  async function connect(): Promise<Producer> {
    const producer = kafka.producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
      // Not idempotent: after a cut connection kafkajs' idempotent producer acknowledges events that are not in the log. The event's id makes a
      // repetition harmless.
      idempotent: false,
      maxInFlightRequests: 1,
    });
    await producer.connect();
    return producer;
  }

  async function publish(texts: readonly string[]): Promise<Sent> {
    connected ??= connect();
    connected.catch(() => (connected = undefined));
    const [producer, id] = await Promise.all([connected, schemaIdOnce()]);
    const putAside: PutAside[] = [];
    const messages: Message[] = [];
    for (const [index, text] of texts.entries()) {
      const mapped = messageOf(text, id, Date.now());
      if (mapped.ok) messages.push(mapped.message);
      else putAside.push({ index, detail: mapped.detail });
    }
    if (messages.length > 0) {
      await producer.send({ topic, messages, acks: -1, timeout: requestTimeoutMs, compression: CompressionTypes.GZIP });
    }
    return { verdict: 'accepted', putAside };
  }

  return {
    destination: `kafka:${[...options.brokers].toSorted().join(',')}/${topic}`,
    async send(texts, stopped) {
      let end: (sent: Sent) => void = () => undefined;
      const ended = new Promise<Sent>((resolve) => (end = resolve));
      const abort = (): void => end({ verdict: 'retry', detail: 'stopped' });
      const detail = `no answer within ${requestTimeoutMs} ms`;
      const timer = setTimeout(() => end({ verdict: 'retry', detail }), requestTimeoutMs);
      stopped.addEventListener('abort', abort, { once: true });
      const published = publish(texts).catch((error): Sent => ({
        verdict: kafkaVerdictOf(error),
        detail: reasonOf(error),
      }));
      try {
        return await Promise.race([published, ended]);
      } finally {
        clearTimeout(timer);
        stopped.removeEventListener('abort', abort);
      }
    },
    async close() {
      const producer = await connected?.catch(() => undefined);
      await producer?.disconnect().catch(() => undefined);
    },
  };
}
