import { createBinder, type Binder, type Statement } from '@docket/clickhouse';
import type { KafkaPlaceRow } from '../kafka-place.ts';

/** A record that is no event of its log, as the view operator_records has it. */
export interface OperatorRecordRow extends KafkaPlaceRow {
  readonly log: string;
  readonly seq: number;
  readonly id: string;
  readonly status_detail: string;
  readonly received_at_ms: number;
  readonly schema_id: number;
  /** Base64. */
  readonly raw_base64: string;
}

const selection = `tenant_id AS log, seq, id, status_detail, toUnixTimestamp64Milli(received_at) AS received_at_ms, schema_id,
  src_generation, src_partition, src_offset, base64Encode(raw) AS raw_base64`;

/** Quarantined records of one log, newest first by seq, below `beforeSeq` where it is given. */
export function quarantineStatement(query: {
  readonly log: string;
  readonly beforeSeq: number | null;
  readonly limit: number;
}): Statement {
  const binder = createBinder();
  const below = query.beforeSeq === null ? '' : `AND seq < ${binder.bind('UInt64', query.beforeSeq)}`;
  const sql = `SELECT ${selection} FROM operator_records
WHERE tenant_id = ${binder.bind('String', query.log)} AND status = 'quarantined' ${below}
ORDER BY seq DESC
LIMIT ${binder.bind('UInt64', query.limit)}`;
  return { sql, params: binder.params };
}

export function quarantinedRecordStatement(log: string, seq: number): Statement {
  const binder = createBinder();
  const sql = `SELECT ${selection} FROM operator_records
WHERE tenant_id = ${binder.bind('String', log)} AND seq = ${binder.bind('UInt64', seq)} AND status = 'quarantined'
LIMIT 1`;
  return { sql, params: binder.params };
}

/** Where a quarantined record stands among those of all logs. */
export interface QuarantinePlace {
  readonly receivedAtMs: number;
  readonly log: string;
  readonly seq: number;
}

/** Quarantined records of all logs, newest first, behind `after` where it is given. */
export function allQuarantineStatement(query: {
  readonly after: QuarantinePlace | null;
  readonly limit: number;
}): Statement {
  const binder = createBinder();
  const behind = query.after === null ? '' : `WHERE ${behindSql(query.after, binder)}`;
  const sql = `SELECT ${selection} FROM operator_quarantine
${behind}
ORDER BY received_at DESC, tenant_id, seq DESC
LIMIT ${binder.bind('UInt64', query.limit)}`;
  return { sql, params: binder.params };
}

/** In this form the time leaves out parts of the table. */
function behindSql({ receivedAtMs, log, seq }: QuarantinePlace, binder: Binder): string {
  const time = `fromUnixTimestamp64Milli(${binder.bind('Int64', receivedAtMs)}, 'UTC')`;
  const [tenant, below] = [binder.bind('String', log), binder.bind('UInt64', seq)];
  return `received_at <= ${time} AND (received_at < ${time} OR tenant_id > ${tenant} OR (tenant_id = ${tenant} AND seq < ${below}))`;
}
