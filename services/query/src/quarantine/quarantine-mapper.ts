import { nilId, rfc3339OfMillis } from '@docket/event';
import { kafkaPlaceOf } from '../kafka-place.ts';
import type { QuarantinedRecord } from './quarantine-answers.ts';
import type { OperatorRecordRow } from './quarantine-sql-mapper.ts';

/** A quarantined record as operators see it: why, where it lies, and its bytes. */
export function quarantinedRecordOf(row: OperatorRecordRow): QuarantinedRecord {
  const [reason = '', ...detail] = row.status_detail.split(': ');
  return {
    tenant_id: row.log,
    seq: row.seq,
    ...(row.id === nilId ? {} : { id: row.id }),
    received_at: rfc3339OfMillis(row.received_at_ms),
    reason,
    detail: detail.join(': '),
    ...(row.schema_id === 0 ? {} : { schema_id: row.schema_id }),
    source: kafkaPlaceOf(row),
    raw: row.raw_base64,
  };
}
