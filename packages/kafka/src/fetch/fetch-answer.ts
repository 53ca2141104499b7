import { createRequire } from 'node:module';

import { readArray, readBytes, readInt16, readInt32, readInt64, readString } from './byte-reader.ts';
import type { ByteReader } from './byte-reader.ts';
import { decodeRecordBatches } from './record-batch-decoder.ts';
import { judgeVisibility } from './visibility-policy.ts';
import type { JudgedRecord } from './visibility-policy.ts';

/** Fetch answer, version 11, in the shape in which kafkajs hands it on. */
export interface FetchAnswer {
  readonly throttleTime: 0;
  readonly clientSideThrottleTime: number;
  readonly errorCode: number;
  readonly sessionId: number;
  readonly responses: readonly { readonly topicName: string; readonly partitions: readonly FetchedPartition[] }[];
}

interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: string;
  readonly lastStableOffset: string;
  readonly lastStartOffset: string;
  readonly preferredReadReplica: number;
  /** Always empty: kafkajs must not filter again what is already judged. */
  readonly abortedTransactions: readonly [];
  readonly messages: readonly JudgedRecord[];
}

/**
 * Decodes what a broker answers to a Fetch of version 11. Unlike kafkajs' own: it reads every codec, hides all records of aborted
 * transactions also when transactions overlap (kafkajs shows some of them, and then seq differs between two readings: I3), never
 * hides by a data record's key, passes batches that compaction has emptied, and takes batches of any number of records.
 */
export async function decodeFetchAnswer(bytes: Buffer): Promise<FetchAnswer> {
  const reader: ByteReader = { bytes, at: 0 };
  const clientSideThrottleTime = readInt32(reader);
  const errorCode = readInt16(reader);
  const sessionId = readInt32(reader);
  const found = readArray(reader, (topic) => ({
    topicName: readString(topic),
    partitions: readArray(topic, readPartition),
  }));
  const responses = await Promise.all(
    found.map(async ({ topicName, partitions }) => ({
      topicName,
      partitions: await Promise.all(partitions.map((partition) => decodePartition(topicName, partition))),
    })),
  );
  return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses };
}

type RawPartition = ReturnType<typeof readPartition>;

function readPartition(reader: ByteReader) {
  return {
    partition: readInt32(reader),
    errorCode: readInt16(reader),
    highWatermark: String(readInt64(reader)),
    lastStableOffset: String(readInt64(reader)),
    lastStartOffset: String(readInt64(reader)),
    aborted: readArray(reader, (entry) => ({ producerId: readInt64(entry), firstOffset: readInt64(entry) })),
    preferredReadReplica: readInt32(reader),
    recordSet: readBytes(reader, Math.max(0, readInt32(reader))),
  };
}

async function decodePartition(topicName: string, raw: RawPartition): Promise<FetchedPartition> {
  const { aborted, recordSet, ...header } = raw;
  try {
    const messages = judgeVisibility(await decodeRecordBatches(recordSet), aborted);
    return { ...header, abortedTransactions: [], messages };
  } catch (error) {
    throw new Error(`${topicName}/${header.partition} cannot be decoded`, { cause: error });
  }
}

/**
 * Makes kafkajs decode fetches with `decodeFetchAnswer`, in this process, for good. It has no setting for that, so its module
 * is changed; safe to call again. Throws when kafkajs is no longer built like this. Brokers before 2.3 answer with older versions.
 */
export function replaceFetchDecoder(): void {
  const version11: unknown = createRequire(import.meta.url)('kafkajs/src/protocol/requests/fetch/v11/response.js');
  if (typeof version11 !== 'object' || version11 === null || typeof Reflect.get(version11, 'decode') !== 'function') {
    throw new TypeError('kafkajs no longer decodes fetches in fetch/v11/response.js');
  }
  Reflect.set(version11, 'decode', decodeFetchAnswer);
}
