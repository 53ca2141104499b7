import { rfc3339OfMillis } from '@docket/event';
import { DocketError } from '@docket/runtime';
import type { RequestHandler } from 'express';
import { ticketCharactersMax } from '../exports/export-ticket.ts';
import { askedExport } from './asked-export.ts';
import { anyReaderOf } from './caller.ts';
import type { ExportPorts } from './get-export.ts';
import { searchOf } from './query-string.ts';

/**
 * POST /v1/exports with the parameters of GET /v1/export: an address for a browser, which can not send a credential when it
 * downloads. It is good once, for a minute, for exactly this export, and only while the credential is good.
 */
export function postExport({
  callers,
  tickets,
  exportRangeDaysMax: rangeDaysMax,
}: Pick<ExportPorts, 'callers' | 'tickets' | 'exportRangeDaysMax'>): RequestHandler {
  return async (req, res) => {
    const caller = await anyReaderOf(callers, req);
    const query = searchOf(req);
    const nowMs = Date.now();
    // What is wrong is said now, not to the browser.
    const { search } = askedExport({ caller, query, rangeDaysMax, nowMicros: nowMs * 1_000 });
    const ticket = tickets.issue({ caller, tenantId: search.tenantId, query: query.toString() }, nowMs);
    if (ticket.text.length > ticketCharactersMax)
      throw new DocketError(
        'invalid_request',
        `The search makes an address of more than ${ticketCharactersMax} characters: use GET /v1/export.`,
      );
    res
      .status(201)
      .set('Cache-Control', 'no-store')
      .json({ url: `/v1/export?ticket=${ticket.text}`, expires_at: rfc3339OfMillis(ticket.expiresAtMs) });
  };
}
