import { readArray, readBytes, readInt16, readInt32, readInt64, readString } from './byte-reader.ts';
import type { ByteReader } from './byte-reader.ts';
import { messageOf } from './fetched-part.ts';
import type { PartMessage } from './fetched-part.ts';
import { decodePart, fetchBytesMax } from './partition-decoder.ts';
import type { UnpackBudget } from './partition-decoder.ts';

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
  /** One that carries all records, or none. */
  readonly messages: readonly PartMessage[];
}

/**
 * Decodes what a broker answers to a Fetch of version 11. Unlike kafkajs' own: it compares checksums, reads every codec, within
 * bounds, and hides all records of aborted transactions also when transactions overlap (kafkajs shows some of them, and then seq
 * differs between two readings: I3). It never hides by a data record's key, passes batches that compaction has emptied, and takes
 * batches of any number of records. What it cannot read of one partition is no matter of the others.
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
  const budget = { left: fetchBytesMax };
  const responses: FetchAnswer['responses'][number][] = [];
  // One after the other: kafkajs asks in another order each time, so the budget is not always spent by the same.
  for (const { topicName, partitions: raw } of found) {
    const partitions: FetchedPartition[] = [];
    for (const partition of raw) partitions.push(await decodePartition(partition, budget));
    responses.push({ topicName, partitions });
  }
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

async function decodePartition(raw: RawPartition, budget: UnpackBudget): Promise<FetchedPartition> {
  const { aborted, recordSet, ...header } = raw;
  const part = await decodePart({ partition: header.partition, aborted, recordSet }, budget);
  return { ...header, abortedTransactions: [], messages: part === undefined ? [] : [messageOf(part)] };
}
