import {
  createEventCodec,
  createRecordMac,
  encodeEvent,
  frameAvro,
  newEventId,
  parseEvent,
  rowOfEvent,
} from '@docket/event';
import type { LogRecord, StoredEventRow } from '@docket/event';
import { auditEventAvro } from '@docket/schemas';
import { createRandom } from '../random.ts';

export const partitions = 1;
export const generation = 1;
export const tenants = ['acme', 'globex'] as const;
const codec = createEventCodec(auditEventAvro);
export const decoders = { prepare: async () => undefined, decoderOf: () => codec.decode, codecOf: () => codec };
export const mac = createRecordMac([]);

/** What one record means to a subscription. */
export type Meaning = 'role' | 'user' | 'unreadable';

/** One record of the partition, in Kafka and as the row that it becomes. */
export interface LogPlace {
  readonly offset: number;
  readonly tenantId: string;
  readonly seq: number;
  readonly id: string;
  readonly meaning: Meaning;
  readonly record: LogRecord;
  readonly row: StoredEventRow;
}

const recordsOfLog = 24;
/** One after the other, so that there is a time between any two. */
const receivedAtMs = (offset: number): number => 1_000 + offset * 10;

/** Encoding costs most, so the seeds share these logs: what differs is when a record appears and what becomes of it. */
export const sampleLogs: readonly (readonly LogPlace[])[] = Array.from({ length: 24 }, (_, index) => sampleLog(index));

function sampleLog(index: number): LogPlace[] {
  const random = createRandom(0x5eed + index);
  const seqs = new Map<string, number>();
  let offset = -1;
  return Array.from({ length: recordsOfLog }, () => {
    offset += random.chance(0.2) ? 2 : 1;
    const tenantId = random.chance(0.6) ? tenants[0] : tenants[1];
    const seq = (seqs.get(tenantId) ?? 0) + 1;
    seqs.set(tenantId, seq);
    const meaning = random.chance(0.1) ? 'unreadable' : random.chance(0.5) ? 'role' : 'user';
    return placeOf({ offset, tenantId, seq, meaning });
  });
}

function placeOf(about: Pick<LogPlace, 'offset' | 'tenantId' | 'seq' | 'meaning'>): LogPlace {
  const { offset, tenantId, seq, meaning } = about;
  const id = newEventId();
  const action = meaning === 'role' ? 'role.created' : 'user.signed_in';
  const atMs = receivedAtMs(offset);
  const parsed = parseEvent({ id, tenant_id: tenantId, action, actor: { type: 'user', id: 'u' } }, atMs, id);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  const place = {
    log: tenantId,
    seq,
    statusDetail: '',
    receivedAtMs: atMs,
    schemaId: 1,
    generation,
    partition: 0,
    offset,
  };
  const status = meaning === 'unreadable' ? 'quarantined' : 'accepted';
  const value = meaning === 'unreadable' ? Buffer.from('?') : frameAvro(1, encodeEvent(parsed.event));
  const key = Buffer.from(tenantId);
  return {
    ...about,
    id,
    record: { partition: 0, offset, timestampMs: atMs, key, value, headers: {} },
    row: rowOfEvent(parsed.event, { ...place, status }, 0n),
  };
}
