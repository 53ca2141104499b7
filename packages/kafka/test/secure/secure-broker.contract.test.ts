import { randomUUID } from 'node:crypto';
import { readSettings } from '@docket/runtime';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { createKafka, createPublisher, ensureTopics, fetchTopicId, kafkaSettings, readTopic } from '../../src/index.ts';
import type { KafkaClient } from '../../src/index.ts';
import { untilDefined, withAdmin } from '../../src/kafka-client.ts';
import { logger } from '../kafka-for-tests.ts';
import { startSecureBroker, user } from './secure-broker.ts';
import type { SecureBroker } from './secure-broker.ts';

let broker: SecureBroker;
beforeAll(async () => {
  broker = await startSecureBroker();
  const isUp = (): Promise<true | undefined> =>
    withAdmin(kafkaWith(), 5_000, (admin) => admin.listTopics()).then(
      () => true,
      () => undefined,
    );
  await untilDefined(isUp, { deadlineMs: 90_000, intervalMs: 200, what: 'the start of the secure broker' });
}, 120_000);
afterAll(() => broker.stop(), 30_000);

function kafkaWith(env: Record<string, string> = {}): KafkaClient {
  const settings = readSettings(kafkaSettings, {
    KAFKA_BROKERS: broker.address,
    KAFKA_TOPIC_PREFIX: `test-${randomUUID()}.`,
    KAFKA_REPLICATION_FACTOR: '1',
    KAFKA_MIN_INSYNC_REPLICAS: '1',
    KAFKA_SSL: 'true',
    KAFKA_SSL_CA_FILE: broker.caFile,
    KAFKA_SSL_CERT_FILE: broker.certFile,
    KAFKA_SSL_KEY_FILE: broker.keyFile,
    KAFKA_SASL_MECHANISM: 'plain',
    KAFKA_SASL_USERNAME: user.name,
    KAFKA_SASL_PASSWORD: user.password,
    ...env,
  });
  return createKafka(settings, { logger, clientId: 'test' });
}

test.each(['plain', 'scram-sha-256', 'scram-sha-512'])(
  'topics, records, a group and a topic’s id go over TLS after a login by %s',
  async (mechanism) => {
    const kafka = kafkaWith({ KAFKA_SASL_MECHANISM: mechanism });
    await ensureTopics(kafka, { partitions: 1 });
    const topic = kafka.topics.events.name;
    const publisher = createPublisher(kafka);
    const [outcome] = await publisher.publish(topic, [{ key: null, partition: 0, value: Buffer.from('sealed') }]);
    await publisher.stop();
    expect(outcome).toMatchObject({ ok: true });
    const values: string[] = [];
    await readTopic(kafka, {
      topic,
      onRecords: (records) => void values.push(...records.map(({ value }) => String(value))),
    });
    expect(values).toEqual(['sealed']);
    expect(await fetchTopicId(kafka, topic)).toMatch(/^[0-9a-f]{32}$/);
  },
  60_000,
);

test.each([
  ['another password', { KAFKA_SASL_PASSWORD: 'wrong-password' }],
  ['no login', { KAFKA_SASL_MECHANISM: 'none', KAFKA_SASL_USERNAME: '', KAFKA_SASL_PASSWORD: '' }],
  ['no certificate of the client', { KAFKA_SSL_CERT_FILE: '', KAFKA_SSL_KEY_FILE: '' }],
  ['an authority that did not sign the broker', { KAFKA_SSL_CA_FILE: '' }],
  ['no TLS', { KAFKA_SSL: 'false', KAFKA_SSL_CA_FILE: '', KAFKA_SSL_CERT_FILE: '', KAFKA_SSL_KEY_FILE: '' }],
])(
  '%s: refused within the deadline, and nothing secret is said',
  async (_, env) => {
    const listing = withAdmin(kafkaWith(env), 20_000, (admin) => admin.listTopics());
    const error = await listing.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).not.toMatch(/wrong-password|password-of-docket/);
  },
  60_000,
);
