import { isEventId } from '@docket/event';
import { DocketError } from '@docket/runtime';
import type { RequestHandler } from 'express';
import { getExportEndpoint } from '../exports/export-endpoints.ts';
import { exportAnswer } from '../exports/export-manifest-mapper.ts';
import type { ExportRecord, ExportRecords } from '../exports/export-records.ts';
import type { PlaceHolder } from '../gate/places.ts';
import type { ReadGate } from '../gate/read-gate.ts';
import { limitedAs, type Caller } from '../gate/reader-policy.ts';
import type { QueryMetrics } from '../metrics.ts';
import { anyReaderOf, tenantOf, type Callers } from './caller.ts';
import { parametersOf, requireValid } from './query-string.ts';

interface ExportRecordPorts {
  readonly callers: Callers;
  readonly records: Pick<ExportRecords, 'find'>;
  readonly gate: ReadGate;
  readonly metrics: Pick<QueryMetrics, 'readSeconds' | 'readFailures'>;
}

/** GET /v1/exports/{id}: what an export came to, for 30 days; see ExportAnswer. Every instance answers for all of them. */
export function getExportRecord(ports: ExportRecordPorts): RequestHandler {
  const { callers } = ports;
  return async (req, res) => {
    const caller = await anyReaderOf(callers, req);
    const parameters = parametersOf(req, getExportEndpoint);
    const named = parameters.one('tenant_id');
    requireValid(parameters);
    const tenantId = tenantOf(caller, named);
    const { id } = req.params;
    const record =
      typeof id === 'string' && isEventId(id) ? await find({ tenantId, keyId: limitedAs(caller) }, id, ports) : null;
    if (record === null || !maySee(caller, record)) {
      throw new DocketError('not_found', 'There is no such export of this tenant; they are kept for 30 days.');
    }
    res.set('Cache-Control', 'no-store').json(exportAnswer(record, caller, Date.now()));
  };
}

/** One read among all others: it counts against their limits. */
function find(holder: PlaceHolder, id: string, ports: ExportRecordPorts): Promise<ExportRecord | null> {
  const { records, gate, metrics } = ports;
  return gate.run(holder, async () => {
    const stopTimer = metrics.readSeconds.startTimer({ kind: 'export' });
    try {
      return await records.find(holder.tenantId, id);
    } catch (error) {
      metrics.readFailures.inc({ code: error instanceof DocketError ? error.code : 'internal' });
      throw error;
    } finally {
      stopTimer();
    }
  });
}

/** How much others found is not for a user to see. */
function maySee({ view, token }: Caller, record: ExportRecord): boolean {
  return view.kind !== 'user' || record.tokenId === token?.id;
}
