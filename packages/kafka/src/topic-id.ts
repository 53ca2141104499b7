import { createRequire } from 'node:module';

import { readBytes, readInt16, readInt32, readUnsignedVarint, skipBytes } from './fetch/byte-reader.ts';
import type { ByteReader } from './fetch/byte-reader.ts';
import { within } from './deadline.ts';
import { disconnectQuietly, kafkajsOf } from './kafka-client.ts';
import type { KafkaClient } from './kafka-client.ts';
import { kafkaUnavailable } from './kafka-errors.ts';

/** What this module uses of a kafkajs cluster, which kafkajs makes for its clients and shows nobody. */
interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  readonly brokerPool: {
    readonly seedBroker: { readonly connectionPool: { send(request: object): Promise<unknown> } };
    readonly versions: Readonly<Record<number, { readonly maxVersion: number }>> | null;
  };
}

const load = createRequire(import.meta.url);
const deadlineMs = 10_000;
const metadataKey = 3;
/** The first one that names topics by id as well (KIP-516); Kafka 3.1 and later know it. */
const metadataVersion = 12;

/**
 * What tells a topic from another one that had its name before: a new UUID each time that it is created. Null when the topic does not
 * exist, or the brokers are older than 3.1. Rejects with `kafka_unavailable`.
 */
export async function fetchTopicId(kafka: KafkaClient, topic: string): Promise<string | null> {
  const cluster = clusterOf(kafka);
  const ask = async (): Promise<string | null> => {
    await cluster.connect();
    const { seedBroker, versions } = cluster.brokerPool;
    if ((versions?.[metadataKey]?.maxVersion ?? 0) < metadataVersion) return null;
    const answer = await seedBroker.connectionPool.send(metadataRequest(topic));
    return typeof answer === 'string' ? answer : null;
  };
  try {
    return await within(ask(), deadlineMs, `asking for the id of ${topic}`);
  } catch (error) {
    throw kafkaUnavailable(`asking for the id of ${topic}`, error);
  } finally {
    await disconnectQuietly(kafka, 'the connection for a topic id', () => cluster.disconnect());
  }
}

function clusterOf(kafka: KafkaClient): Cluster {
  const client = kafkajsOf(kafka, { requestTimeoutMs: deadlineMs, retries: 2 });
  const symbol = Object.getOwnPropertySymbols(client).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  );
  const create: unknown = symbol === undefined ? undefined : Reflect.get(client, symbol);
  if (typeof create !== 'function') throw new TypeError('kafkajs no longer makes its clusters like this');
  return create({ allowAutoTopicCreation: false });
}

/** In the form in which kafkajs sends requests; it writes the head of older versions, so the newer head's tags are ours. */
function metadataRequest(topic: string): object {
  const Encoder = load('kafkajs/src/protocol/encoder.js');
  const name = Buffer.from(topic);
  const body = Buffer.concat([
    Buffer.from([noTags, 2]),
    Buffer.alloc(uuidBytes),
    unsignedVarint(name.length + 1),
    name,
    Buffer.from([noTags, 0, 0, noTags]),
  ]);
  return {
    request: {
      apiKey: metadataKey,
      apiVersion: metadataVersion,
      apiName: 'Metadata',
      encode: () => Promise.resolve(new Encoder().writeBuffer(body)),
    },
    response: {
      decode: (bytes: Buffer) => Promise.resolve({ bytes }),
      parse: ({ bytes }: { readonly bytes: Buffer }) => Promise.resolve(topicIdIn(bytes)),
    },
  };
}

const noTags = 0;
const uuidBytes = 16;

/** The id of the only topic of a Metadata answer of version 12; null if there is none. */
function topicIdIn(bytes: Buffer): string | null {
  const reader: ByteReader = { bytes, at: 0 };
  skipTags(reader);
  readInt32(reader); // throttle time
  for (let left = readUnsignedVarint(reader) - 1; left > 0; left -= 1) {
    readInt32(reader); // the broker's id
    skipString(reader);
    readInt32(reader); // its port
    skipString(reader);
    skipTags(reader);
  }
  skipString(reader); // the cluster's id
  readInt32(reader); // the controller
  if (readUnsignedVarint(reader) !== 2) return null;
  const errorCode = readInt16(reader);
  skipString(reader);
  const id = readBytes(reader, uuidBytes);
  return errorCode === 0 && id.some((byte) => byte !== 0) ? id.toString('hex') : null;
}

function skipString(reader: ByteReader): void {
  skipBytes(reader, Math.max(0, readUnsignedVarint(reader) - 1));
}

function skipTags(reader: ByteReader): void {
  for (let left = readUnsignedVarint(reader); left > 0; left -= 1) {
    readUnsignedVarint(reader);
    skipBytes(reader, readUnsignedVarint(reader));
  }
}

function unsignedVarint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 0x80; left = Math.floor(left / 128)) bytes.push((left % 128) | 0x80);
  return Buffer.from([...bytes, left]);
}
