import { newEventId, printSearch } from '@docket/event';
import { DocketError } from '@docket/runtime';
import type { Request } from 'express';
import type { LogReader } from '../pages/clickhouse-log-reader.ts';
import { ticketParameter } from '../exports/export-endpoints.ts';
import type { ExportRecords } from '../exports/export-records.ts';
import type { ExportSender } from '../exports/export-sender.ts';
import { mediaTypes } from '../exports/export-sql-mapper.ts';
import type { ExportTickets } from '../exports/export-ticket.ts';
import { limitedAs, type Caller } from '../gate/reader-policy.ts';
import { requestParameters } from '../parameters/request-parameters-mapper.ts';
import { askedExport } from './asked-export.ts';
import { anyReaderOf, type Callers } from './caller.ts';
import { requireGet } from './for-caller.ts';
import { requireValid, searchOf } from './query-string.ts';
import type { Reader } from './reading-route.ts';

export interface ExportPorts {
  readonly callers: Callers;
  readonly reader: LogReader;
  readonly records: ExportRecords;
  readonly sender: ExportSender;
  readonly tickets: ExportTickets;
  readonly exportRangeDaysMax: number;
}

/**
 * GET /v1/export?format=ndjson|csv|parquet and the filters of GET /v1/events, or ?ticket= of POST /v1/exports: all events that
 * the log holds of the search at this moment, oldest first, as a stream of any length.
 */
export function getExport(ports: ExportPorts): Reader {
  const { reader, records, sender, exportRangeDaysMax: rangeDaysMax } = ports;
  return async (req, signal) => {
    requireGet(req);
    const { caller, query, nowMicros, ticketId } = await whoAsks(req, ports);
    const { search, question, format } = askedExport({ caller, query, rangeDaysMax, nowMicros });
    const { tenantId } = search;
    sender.requirePlace({ tenantId, keyId: limitedAs(caller) });
    const { firstSeq, headSeq } = await reader.bounds(tenantId, { keyId: limitedAs(caller), signal });
    if (ticketId !== null && !(await records.claim(ticketId))) throw badTicket();

    const exportId = newEventId();
    const plan = { exportId, caller, format, query: { search, firstSeq, throughSeq: headSeq } };
    return {
      reading: {
        credential: caller,
        log: tenantId,
        question: `${format} ${question}`,
        asked: { search: printSearch(search.search), format, export_id: exportId },
        eventId: null,
        results: null,
      },
      headers: {
        'Content-Type': mediaTypes[format],
        'Content-Disposition': `attachment; filename="${fileName(tenantId, nowMicros)}.${format}"`,
        'X-Content-Type-Options': 'nosniff',
        'Docket-Export-Id': exportId,
      },
      stream: (res) => sender.send(plan, res),
    };
  };
}

interface WhoAsks {
  readonly caller: Caller;
  readonly query: URLSearchParams;
  readonly nowMicros: number;
  /** Null: asked with a credential. */
  readonly ticketId: string | null;
}

/** A ticket stands for the credential and for all parameters, so none may stand beside it. */
async function whoAsks(req: Request, { callers, tickets }: ExportPorts): Promise<WhoAsks> {
  const query = searchOf(req);
  if (!query.has(ticketParameter.name)) {
    return { caller: await anyReaderOf(callers, req), query, nowMicros: Date.now() * 1_000, ticketId: null };
  }
  const parameters = requestParameters(query, [ticketParameter.name]);
  const text = parameters.one(ticketParameter.name);
  requireValid(parameters);
  const ticket = tickets.read(text ?? '', Date.now());
  if (ticket === null || !callers.mayStillRead(ticket.caller, ticket.tenantId)) throw badTicket();
  const { caller, nowMicros, ticketId } = ticket;
  return { caller, query: new URLSearchParams(ticket.query), nowMicros, ticketId };
}

function badTicket(): DocketError {
  return new DocketError(
    'unauthenticated',
    'The ticket is not good: it is used once, within a minute, while its key is good.',
  );
}

/** Characters that every file system takes. */
function fileName(tenantId: string, nowMicros: number): string {
  return `${tenantId.replaceAll(':', '_')}-${new Date(nowMicros / 1_000).toISOString().slice(0, 10)}`;
}
