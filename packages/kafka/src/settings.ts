import { setting } from '@docket/runtime';
import type { SettingsOf } from '@docket/runtime';

/** How brokers are spoken to when they are not in a network of their own; see connection-security-policy.ts for what fits together. */
const kafkaSecuritySettings = {
  kafkaSsl: setting.boolean({
    env: 'KAFKA_SSL',
    description:
      'Speak TLS to the brokers, whose certificates must bear the names in KAFKA_BROKERS and those that they advertise',
    default: false,
  }),
  kafkaSslCaFile: setting.string({
    env: 'KAFKA_SSL_CA_FILE',
    description: 'PEM file of the authorities that the brokers’ certificates come from; empty for those of the system',
    default: '',
  }),
  kafkaSslCertFile: setting.string({
    env: 'KAFKA_SSL_CERT_FILE',
    description:
      'PEM file of the certificate, with its chain, that brokers with ssl.client.auth ask for; empty for none',
    default: '',
  }),
  kafkaSslKeyFile: setting.string({
    env: 'KAFKA_SSL_KEY_FILE',
    description: 'PEM file of that certificate’s key, without a passphrase',
    default: '',
  }),
  kafkaSaslMechanism: setting.oneOf({
    env: 'KAFKA_SASL_MECHANISM',
    description:
      'How to log in to the brokers; plain sends the password itself, so only with KAFKA_SSL outside a trusted network',
    values: ['none', 'plain', 'scram-sha-256', 'scram-sha-512'],
    default: 'none',
  }),
  kafkaSaslUsername: setting.string({
    env: 'KAFKA_SASL_USERNAME',
    description: 'User at the brokers',
    default: '',
  }),
  kafkaSaslPassword: setting.string({
    env: 'KAFKA_SASL_PASSWORD',
    description: 'Password of that user',
    default: '',
    secret: true,
  }),
};

/** What every process that talks to Kafka needs to know. */
export const kafkaSettings = {
  ...kafkaSecuritySettings,
  kafkaBrokers: setting.list({
    env: 'KAFKA_BROKERS',
    description: 'Bootstrap brokers, host:port, comma-separated',
    pattern: /^[^\s:]+:\d{1,5}$/,
  }),
  kafkaTopicPrefix: setting.string({
    env: 'KAFKA_TOPIC_PREFIX',
    description:
      'Begins the name of every topic, consumer group and transactional id, so that installations can share a cluster',
    default: 'audit.',
    // Kafka allows 249 characters for a topic; the longest suffix is far below 149.
    max: 100,
    pattern: /^[A-Za-z0-9._-]+$/,
  }),
  kafkaReplicationFactor: setting.integer({
    env: 'KAFKA_REPLICATION_FACTOR',
    description: 'Replicas of every topic: created with, and the least that a service accepts',
    default: 3,
    min: 1,
    max: 32,
  }),
  kafkaMinInsyncReplicas: setting.integer({
    env: 'KAFKA_MIN_INSYNC_REPLICAS',
    description: 'min.insync.replicas of every topic: created with, and the least that a service accepts',
    default: 2,
    min: 1,
    max: 32,
  }),
  kafkaFetchDecoder: setting.oneOf({
    env: 'KAFKA_FETCH_DECODER',
    description:
      'Who decodes fetched records: docket, or kafkajs, which compares no checksums, reads only gzip, bounds no memory while it unpacks, stops everything for one batch that it cannot read, and with overlapping aborted transactions hands out some of their records; a way back for a fault in docket only',
    values: ['docket', 'kafkajs'],
    default: 'docket',
  }),
};

/** Only what creates the topics needs to know how many partitions they shall have; everybody else reads the recorded count. */
export const kafkaMigrateSettings = {
  kafkaPartitions: setting.integer({
    env: 'KAFKA_PARTITIONS',
    description: 'Partitions of the events topic when it is created; a living topic keeps its count',
    default: 12,
    min: 1,
    // src_partition is a UInt16 and each partition costs a tail buffer; nobody has needed more.
    max: 1024,
  }),
};

export const registrySettings = {
  schemaRegistryUrl: setting.url({
    env: 'SCHEMA_REGISTRY_URL',
    description:
      'Confluent-compatible schema registry, with its path when it has one; user:password@ is used for basic authentication',
  }),
};

export type KafkaSecuritySettings = SettingsOf<typeof kafkaSecuritySettings>;
export type KafkaSettings = SettingsOf<typeof kafkaSettings>;
export type RegistrySettings = SettingsOf<typeof registrySettings>;
