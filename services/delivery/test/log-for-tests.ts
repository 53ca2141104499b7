import {
  createEventCodec,
  createRecordMac,
  encodeEvent,
  eventFromRow,
  frameAvro,
  newEventId,
  parseEvent,
  partitionOf,
  rowOfEvent,
  toPublicEvent,
} from '@docket/event';
import type { AuditEvent, LogRecord, StoredEventRow } from '@docket/event';
import type { StoredText } from '@docket/clickhouse';
import type { Subscription } from '@docket/directory';
import { createLogger } from '@docket/runtime';
import { auditEventAvro } from '@docket/schemas';

import type { KnownHead, StoredLog } from '../src/log/clickhouse-log.ts';
import { createLogSource, type LogSource } from '../src/log/log-source.ts';
import type { TailBuffer } from '../src/log/tail-buffer.ts';
import { encodingOf } from '../src/sinks/sink-rules.ts';

export const partition = partitionOf('acme', 1);
export const generation = 1;
export const logger = createLogger({ service: 'test', level: 'silent' });
const codec = createEventCodec(auditEventAvro);
export const decoders = { prepare: async () => undefined, decoderOf: () => codec.decode, codecOf: () => codec };
export const mac = createRecordMac([]);

/** A record of Kafka, and the row that it is or will be. */
export interface Place {
  readonly offset: number;
  readonly tenantId: string;
  readonly seq: number;
  readonly event: AuditEvent;
}

function eventOf(tenantId: string, fields: object): AuditEvent {
  const parsed = parseEvent(
    { tenant_id: tenantId, action: 'a.b', actor: { type: 'user', id: 'u' }, ...fields },
    1_000,
    newEventId(),
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return parsed.event;
}

/** One partition, as it is in Kafka. `gaps[i]` offsets are missing before each record: transaction markers. */
export function kafkaOf(
  tenants: readonly string[],
  gaps: readonly number[],
  fields: readonly object[] = [{}],
): Place[] {
  const seqs = new Map<string, number>();
  let offset = -1;
  return tenants.map((tenantId, index) => {
    offset += 1 + (gaps[index % Math.max(1, gaps.length)] ?? 0);
    const seq = (seqs.get(tenantId) ?? 0) + 1;
    seqs.set(tenantId, seq);
    return { offset, tenantId, seq, event: eventOf(tenantId, fields[index % fields.length] ?? {}) };
  });
}

const recordOf = ({ offset, tenantId, event }: Place): LogRecord => ({
  partition,
  offset,
  timestampMs: 1_000,
  key: Buffer.from(tenantId),
  value: frameAvro(1, encodeEvent(event)),
  headers: {},
});

function rowOf({ offset, tenantId, seq, event }: Place): StoredEventRow {
  const place = { log: tenantId, seq, status: 'accepted', statusDetail: '', receivedAtMs: 1_000, schemaId: 1 } as const;
  return rowOfEvent(event, { ...place, generation, partition, offset }, 0n);
}

/** What ClickHouse writes of a row. */
export function storedTextOf(row: StoredEventRow): StoredText {
  const { seq, status, received_at: receivedAtMs } = row;
  if (status !== 'accepted' && status !== 'conflict') return { seq, status, receivedAtMs, text: Buffer.alloc(0) };
  const event = toPublicEvent(eventFromRow(row), { seq, receivedAtMs, status });
  return { seq, status, receivedAtMs, text: Buffer.from(JSON.stringify(event)) };
}

const noHead: KnownHead = { firstSeq: 1, headSeq: 0, headOffset: -1 };

export interface World {
  readonly kafka: readonly Place[];
  /** ClickHouse holds this many records: a prefix (I4). */
  stored: number;
  /** Rows below this seq of each log have been cut. */
  readonly firstSeq: number;
  /** The position that was read last; it may be old. */
  through: number | undefined;
  /** The heads of that moment; undefined: not known. */
  heads?: Map<string, KnownHead>;
}

/** ClickHouse, in which more is stored between any two questions. */
export function storedLogOf(world: World, growBy: () => number): StoredLog {
  const prefix = (): readonly Place[] => {
    const answer = world.kafka.slice(0, world.stored);
    world.stored = Math.min(world.kafka.length, world.stored + growBy());
    return answer;
  };
  const readThrough = (): void => {
    const places = prefix();
    world.through = places.at(-1)?.offset ?? -1;
    world.heads = new Map();
    for (const { tenantId, seq, offset } of places)
      world.heads.set(tenantId, { firstSeq: world.firstSeq, headSeq: seq, headOffset: offset });
  };
  const logOf = (tenantId: string): Place[] => prefix().filter((place) => place.tenantId === tenantId);
  const rowsOf: StoredLog['rows'] = async (tenantId, afterSeq, limit) => {
    const rows = logOf(tenantId).filter(
      ({ seq }) => seq > afterSeq && seq <= afterSeq + limit && seq >= world.firstSeq,
    );
    return (rows[0]?.seq ?? 0) === afterSeq + 1 ? rows.map(rowOf) : [];
  };
  return {
    rows: rowsOf,
    texts: async (...asked) => (await rowsOf(...asked)).map(storedTextOf),
    bounds: async (tenantId) => ({ firstSeq: world.firstSeq, headSeq: logOf(tenantId).at(-1)?.seq ?? 0 }),
    seqBefore: async (tenantId, timeMs) => (timeMs > 1_000 ? (logOf(tenantId).at(-1)?.seq ?? 0) : 0),
    firstAt: async (tenantId, at) => logOf(tenantId).find(({ offset }) => offset >= at.offset)?.seq,
    place: async (tenantId, seq) => {
      const place = logOf(tenantId).find((one) => one.seq === seq && seq >= world.firstSeq);
      return place === undefined ? undefined : { generation, partition, offset: place.offset };
    },
    seqAt: async (tenantId, cut) => logOf(tenantId).findLast(({ offset }) => offset <= cut.offset)?.seq ?? 0,
    through: () => world.through,
    head: (_partition, log) => (world.heads === undefined ? undefined : (world.heads.get(log) ?? noHead)),
    watch: () => undefined,
    readThrough: async () => readThrough(),
    refresh: readThrough,
  };
}

/** Reads `stored` and what a tail brings, where Kafka does not say how far its partitions reach, unless `others` says otherwise. */
export function sourceOf(
  stored: StoredLog,
  others: Partial<Pick<Parameters<typeof createLogSource>[0], 'readEnds' | 'rowsMax'>> = {},
): LogSource {
  const topology = { generation, partitions: 1 };
  const readEnds = async (): Promise<undefined> => undefined;
  return createLogSource({ stored, decoders, mac, topology, logger, encodingOf, readEnds, ...others });
}

/** Asks for whatever comes next. */
export const wanted = {
  partition,
  toSeq: null,
  bytesMax: 1_000_000,
  eventsMax: null,
  without: new Set<number>(),
  isProbe: false,
  isProofDue: false,
  signal: new AbortController().signal,
};

export const subscriptionOf = (maxEvents: number): Subscription => ({
  version: 1,
  kind: 'subscription',
  id: 'sub_1',
  tenant_id: 'acme',
  name: '',
  sink: { type: 'webhook', url: 'https://x.example', secrets: [{ sealed: '', created_at: '2026-01-01T00:00:00Z' }] },
  batch: { max_events: maxEvents, max_bytes: 1_000_000, max_wait_ms: 0 },
  state: 'active',
  start_after_seq: 0,
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:00Z',
});

/** The consumer of the partition goes some records on. */
export function growTail(tail: TailBuffer, kafka: readonly Place[], count: number): void {
  const next = kafka.filter(({ offset }) => offset >= tail.endOffset()).slice(0, count);
  tail.append(next.map(recordOf), Math.max(tail.endOffset(), (next.at(-1)?.offset ?? -1) + 1));
}
