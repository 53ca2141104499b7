import { isEventId } from '@docket/event';
import { DocketError } from '@docket/runtime';
import type { RequestHandler } from 'express';
import { getExportEndpoint } from '../exports/export-endpoints.ts';
import { exportAnswer } from '../exports/export-manifest-mapper.ts';
import type { ExportRecord, ExportRecords } from '../exports/export-records.ts';
import type { ReadGate } from '../gate/read-gate.ts';
import { limitedAs, type Caller } from '../gate/reader-policy.ts';
import { anyReaderOf, tenantOf, type Callers } from './caller.ts';
import { parametersOf, requireValid } from './query-string.ts';

interface ExportRecordPorts {
  readonly callers: Callers;
  readonly records: Pick<ExportRecords, 'find'>;
  readonly gate: ReadGate;
}

/** GET /v1/exports/{id}: what an export came to, for 30 days; see ExportAnswer. Every instance answers for all of them. */
export function getExportRecord({ callers, records, gate }: ExportRecordPorts): RequestHandler {
  return async (req, res) => {
    const caller = await anyReaderOf(callers, req);
    const parameters = parametersOf(req, getExportEndpoint);
    const named = parameters.one('tenant_id');
    requireValid(parameters);
    const tenantId = tenantOf(caller, named);
    const { id } = req.params;
    const read = { kind: 'export', tenantId, keyId: limitedAs(caller) } as const;
    const record =
      typeof id === 'string' && isEventId(id) ? await gate.run(read, () => records.find(tenantId, id)) : null;
    if (record === null || !maySee(caller, record)) {
      throw new DocketError('not_found', 'There is no such export of this tenant; they are kept for 30 days.');
    }
    res.set('Cache-Control', 'no-store').json(exportAnswer(record, caller, Date.now()));
  };
}

/** How much others found is not for a user to see. */
function maySee({ view, token }: Caller, record: ExportRecord): boolean {
  return view.kind !== 'user' || record.tokenId === token?.id;
}
