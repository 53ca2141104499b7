import { tenantIdPattern } from './audit-event.ts';

const tenantId = new RegExp(tenantIdPattern, 'u');

export function isTenantId(text: string): boolean {
  return tenantId.test(text);
}

/** Tenants and actions under `docket.` are our own. */
export function isReserved(name: string): boolean {
  return name === 'docket' || name.startsWith('docket.');
}

/** The partition of a key: murmur2 as in Kafka's Java client (org.apache.kafka.common.utils.Utils), librdkafka's murmur2_random. */
export function partitionOf(key: string | Buffer, partitions: number): number {
  return (murmur2(typeof key === 'string' ? Buffer.from(key) : key) & 0x7fffffff) % partitions;
}

/**
 * The log of a record: its key when that is a tenant id on its own partition, otherwise the stray log of the partition,
 * `!p<partition>`, whose name is no tenant id. Each log of a partition is dense in seq (I3).
 */
export function logOf(key: Buffer | null, partition: number, partitions: number): string {
  if (key !== null && key.length <= 128) {
    const text = key.toString('latin1');
    if (isTenantId(text) && partitionOf(key, partitions) === partition) return text;
  }
  return strayLogOf(partition);
}

const strayLog = /^!p\d{1,5}$/;

export function isStrayLog(name: string): boolean {
  return strayLog.test(name);
}

export function strayLogOf(partition: number): string {
  return `!p${partition}`;
}

const seed = 0x9747b28c;
const multiplier = 0x5bd1e995;

function murmur2(data: Buffer): number {
  let hash = seed ^ data.length;
  const wordsEnd = data.length - (data.length % 4);
  for (let i = 0; i < wordsEnd; i += 4) {
    let word = Math.imul(data.readInt32LE(i), multiplier);
    word = Math.imul(word ^ (word >>> 24), multiplier);
    hash = Math.imul(hash, multiplier) ^ word;
  }
  const rest = data.length - wordsEnd;
  if (rest === 3) hash ^= data.readUInt8(wordsEnd + 2) << 16;
  if (rest >= 2) hash ^= data.readUInt8(wordsEnd + 1) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ data.readUInt8(wordsEnd), multiplier);
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return hash ^ (hash >>> 15);
}
