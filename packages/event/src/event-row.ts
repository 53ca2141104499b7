import type { AuditEvent, Change, Metadata, Resource } from './audit-event.ts';
import { nilId } from './event-id.ts';
import type { EventStatus } from './public-event.ts';

/** ClickHouse types in which columns are sent; the table's own may be narrower (LowCardinality). */
export type ColumnType =
  | 'String'
  | 'UUID'
  | 'UInt16'
  | 'UInt32'
  | 'UInt64'
  | "Enum8('accepted'=1,'duplicate'=2,'conflict'=3,'quarantined'=4,'rerouted'=5,'lost'=6)"
  | "DateTime64(6,'UTC')"
  | "DateTime64(3,'UTC')"
  | 'FixedString(16)'
  | 'Map(String,String)'
  | 'Array(String)'
  | 'Array(Nullable(String))'
  | 'Array(Map(String,String))';

/** One row of audit_events; names and meanings as in schemas/clickhouse. */
export interface EventRow {
  /** The log: a tenant id, or `!p<partition>`. */
  tenant_id: string;
  /** From 1, below 2^53. */
  seq: number;
  id: string;
  status: EventStatus;
  status_detail: string;
  /** µs since the epoch. */
  occurred_at: number;
  /** ms since the epoch. */
  received_at: number;
  action: string;
  category: string;
  operation: string;
  outcome: string;
  outcome_reason: string;
  severity: string;
  actor_type: string;
  actor_id: string;
  actor_name: string;
  actor_metadata: Metadata;
  on_behalf_of_type: string;
  on_behalf_of_id: string;
  on_behalf_of_name: string;
  'resources.type': readonly string[];
  'resources.id': readonly string[];
  'resources.name': readonly string[];
  'resources.metadata': readonly Metadata[];
  'changes.path': readonly string[];
  'changes.old': readonly (string | null)[];
  'changes.new': readonly (string | null)[];
  description: string;
  ip: string;
  user_agent: string;
  country: string;
  session_id: string;
  request_id: string;
  trace_id: string;
  source_service: string;
  source_version: string;
  source_instance: string;
  source_counter: number;
  ingest_key_id: string;
  ingest_from: string;
  metadata: Metadata;
  /** 16 bytes; zeros for none. */
  commitment_seed: Uint8Array;
  schema_id: number;
  /** Unsigned 64 bits; 0 for rows without an event. */
  content_hash: bigint;
  src_generation: number;
  src_partition: number;
  src_offset: number;
  /** The record's value; kept for quarantined rows only. */
  raw: Uint8Array;
}

const eventStatusType = "Enum8('accepted'=1,'duplicate'=2,'conflict'=3,'quarantined'=4,'rerouted'=5,'lost'=6)";

const columnTypes: { readonly [C in keyof EventRow]: ColumnType } = {
  tenant_id: 'String',
  seq: 'UInt64',
  id: 'UUID',
  status: eventStatusType,
  status_detail: 'String',
  occurred_at: "DateTime64(6,'UTC')",
  received_at: "DateTime64(3,'UTC')",
  action: 'String',
  category: 'String',
  operation: 'String',
  outcome: 'String',
  outcome_reason: 'String',
  severity: 'String',
  actor_type: 'String',
  actor_id: 'String',
  actor_name: 'String',
  actor_metadata: 'Map(String,String)',
  on_behalf_of_type: 'String',
  on_behalf_of_id: 'String',
  on_behalf_of_name: 'String',
  'resources.type': 'Array(String)',
  'resources.id': 'Array(String)',
  'resources.name': 'Array(String)',
  'resources.metadata': 'Array(Map(String,String))',
  'changes.path': 'Array(String)',
  'changes.old': 'Array(Nullable(String))',
  'changes.new': 'Array(Nullable(String))',
  description: 'String',
  ip: 'String',
  user_agent: 'String',
  country: 'String',
  session_id: 'String',
  request_id: 'String',
  trace_id: 'String',
  source_service: 'String',
  source_version: 'String',
  source_instance: 'String',
  source_counter: 'UInt64',
  ingest_key_id: 'String',
  ingest_from: 'String',
  metadata: 'Map(String,String)',
  commitment_seed: 'FixedString(16)',
  schema_id: 'UInt32',
  content_hash: 'UInt64',
  src_generation: 'UInt16',
  src_partition: 'UInt16',
  src_offset: 'UInt64',
  raw: 'String',
};

export interface EventColumn {
  readonly name: keyof EventRow;
  readonly type: ColumnType;
}

/** The columns of a row in the order of an insert. */
export const eventColumns: readonly EventColumn[] = Object.entries(columnTypes).map(([name, type]) => ({
  name: name as keyof EventRow,
  type,
}));

/** Where a row stands: in its log, in Kafka, and what became of its record. */
export interface RowPlace {
  readonly log: string;
  readonly seq: number;
  readonly status: EventStatus;
  readonly statusDetail: string;
  readonly receivedAtMs: number;
  readonly schemaId: number;
  readonly generation: number;
  readonly partition: number;
  readonly offset: number;
}

const noSeed = new Uint8Array(16);
const noBytes = new Uint8Array(0);
const noMetadata: Metadata = {};

/**
 * The row of an event. One literal without spreads on purpose: V8 keeps such an object in its fast form, and a row with
 * spreads in dictionary form, which costs ten times as much.
 */
export function rowOfEvent(
  event: RowContent,
  place: RowPlace,
  contentHash: bigint,
  raw: Uint8Array = noBytes,
): EventRow {
  return {
    tenant_id: place.log,
    seq: place.seq,
    id: event.id,
    status: place.status,
    status_detail: place.statusDetail,
    occurred_at: event.occurred_at ?? place.receivedAtMs * 1000,
    received_at: place.receivedAtMs,
    action: event.action,
    category: event.category ?? '',
    operation: event.operation,
    outcome: event.outcome,
    outcome_reason: event.outcome_reason,
    severity: event.severity,
    actor_type: event.actor.type,
    actor_id: event.actor.id,
    actor_name: event.actor.name,
    actor_metadata: event.actor.metadata,
    on_behalf_of_type: event.on_behalf_of?.type ?? '',
    on_behalf_of_id: event.on_behalf_of?.id ?? '',
    on_behalf_of_name: event.on_behalf_of?.name ?? '',
    'resources.type': event.resources.map((resource) => resource.type),
    'resources.id': event.resources.map((resource) => resource.id),
    'resources.name': event.resources.map((resource) => resource.name),
    'resources.metadata': event.resources.map((resource) => resource.metadata),
    'changes.path': event.changes.map((change) => change.path),
    'changes.old': event.changes.map((change) => change.old),
    'changes.new': event.changes.map((change) => change.new),
    description: event.description,
    ip: event.context.ip,
    user_agent: event.context.user_agent,
    country: event.context.country,
    session_id: event.context.session_id,
    request_id: event.context.request_id,
    trace_id: event.context.trace_id,
    source_service: event.source.service,
    source_version: event.source.version,
    source_instance: event.source.instance,
    source_counter: event.source.counter,
    ingest_key_id: event.ingest?.key_id ?? '',
    ingest_from: event.ingest?.received_from ?? '',
    metadata: event.metadata,
    commitment_seed: event.commitment_seed ?? noSeed,
    schema_id: place.schemaId,
    content_hash: contentHash,
    src_generation: place.generation,
    src_partition: place.partition,
    src_offset: place.offset,
    raw,
  };
}

/** What a row takes from an event; a record that holds none leaves its enums empty too. */
type RowContent = Omit<AuditEvent, 'operation' | 'outcome' | 'severity'> &
  Pick<EventRow, 'operation' | 'outcome' | 'severity'>;

const noContent: RowContent = {
  id: nilId,
  tenant_id: '',
  occurred_at: null,
  action: '',
  category: null,
  operation: '',
  outcome: '',
  outcome_reason: '',
  severity: '',
  actor: { type: '', id: '', name: '', metadata: noMetadata },
  on_behalf_of: null,
  resources: [],
  changes: [],
  description: '',
  context: { ip: '', user_agent: '', country: '', session_id: '', request_id: '', trace_id: '' },
  source: { service: '', version: '', instance: '', counter: 0 },
  metadata: noMetadata,
  commitment_seed: null,
  ingest: null,
};

/** The row of a record that holds no event for its log: quarantined (with its bytes), rerouted or lost. */
export function rowOfRecord(place: RowPlace, id: string, raw: Uint8Array | null): EventRow {
  return rowOfEvent(id === '' ? noContent : { ...noContent, id }, place, 0n, raw ?? noBytes);
}

/** The columns that make an event again. */
export type StoredEventRow = Omit<
  EventRow,
  | 'status_detail'
  | 'commitment_seed'
  | 'schema_id'
  | 'content_hash'
  | 'src_generation'
  | 'src_partition'
  | 'src_offset'
  | 'raw'
>;

/** The event that a stored row holds (accepted, duplicate or conflict). Its `occurred_at` is never null, its seed is left out. */
export function eventFromRow(row: StoredEventRow): AuditEvent {
  return {
    id: row.id,
    tenant_id: row.tenant_id,
    occurred_at: row.occurred_at,
    action: row.action,
    category: (row.category || null) as AuditEvent['category'],
    operation: row.operation as AuditEvent['operation'],
    outcome: row.outcome as AuditEvent['outcome'],
    outcome_reason: row.outcome_reason,
    severity: row.severity as AuditEvent['severity'],
    actor: { type: row.actor_type, id: row.actor_id, name: row.actor_name, metadata: row.actor_metadata },
    on_behalf_of:
      row.on_behalf_of_id === ''
        ? null
        : { type: row.on_behalf_of_type, id: row.on_behalf_of_id, name: row.on_behalf_of_name },
    resources: row['resources.id'].map((id, index): Resource => ({
      type: row['resources.type'][index] ?? '',
      id,
      name: row['resources.name'][index] ?? '',
      metadata: row['resources.metadata'][index] ?? noMetadata,
    })),
    changes: row['changes.path'].map((path, index): Change => ({
      path,
      old: row['changes.old'][index] ?? null,
      new: row['changes.new'][index] ?? null,
    })),
    description: row.description,
    context: {
      ip: row.ip,
      user_agent: row.user_agent,
      country: row.country,
      session_id: row.session_id,
      request_id: row.request_id,
      trace_id: row.trace_id,
    },
    source: {
      service: row.source_service,
      version: row.source_version,
      instance: row.source_instance,
      counter: row.source_counter,
    },
    metadata: row.metadata,
    commitment_seed: null,
    ingest:
      row.ingest_key_id === '' && row.ingest_from === ''
        ? null
        : { key_id: row.ingest_key_id, received_from: row.ingest_from },
  };
}
