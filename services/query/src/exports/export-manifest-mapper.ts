import { rfc3339OfMillis } from '@docket/event';
import type { ExportAnswer } from './export-endpoints.ts';
import { ownEventsOf, type Caller } from '../gate/reader-policy.ts';
import type { ExportRecord } from './export-records.ts';

/**
 * What is told of an export: at the end of an NDJSON file, and by GET /v1/exports/{id}.
 * @param nowMs a running export that should have ended by then has failed: its process is gone. */
export function exportAnswer(record: ExportRecord, caller: Pick<Caller, 'view'>, nowMs: number): ExportAnswer {
  const { exportId, tenantId, format, startedAtMs, endsByMs, endedAtMs, eventCount, bodyBytes, sha256 } = record;
  const isGone = record.state === 'running' && nowMs > endsByMs;
  const seesSeq = ownEventsOf(caller) === null;
  return {
    export_id: exportId,
    tenant_id: tenantId,
    format,
    state: isGone ? 'failed' : record.state,
    started_at: rfc3339OfMillis(startedAtMs),
    ...(endedAtMs === 0 ? {} : { ended_at: rfc3339OfMillis(endedAtMs) }),
    ...(seesSeq ? { through_seq: record.throughSeq } : {}),
    ...(record.state === 'complete' ? { count: eventCount } : {}),
    ...(record.state === 'complete' && seesSeq && eventCount > 0
      ? { first_seq: record.firstSeq, last_seq: record.lastSeq }
      : {}),
    ...(record.state === 'complete' ? { bytes: bodyBytes, sha256 } : {}),
  };
}

/** The last line of an NDJSON export: an object with the one member `manifest`, which no event has. */
export function manifestLine(record: ExportRecord, caller: Pick<Caller, 'view'>): string {
  return `${JSON.stringify({ manifest: exportAnswer(record, caller, record.endedAtMs) })}\n`;
}
