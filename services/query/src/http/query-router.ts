import { addDocumentRoutes, createApiRouter, createCors, type ApiRouter, type Endpoint } from '@docket/runtime';
import { openApiDocuments } from '@docket/schemas';
import type { RequestHandler } from 'express';
import type { LogReader } from '../pages/clickhouse-log-reader.ts';
import type { CursorSeal } from '../pages/cursor-seal.ts';
import {
  createViewerTokenEndpoint,
  getEventEndpoint,
  getEventTraceEndpoint,
  getFacetsEndpoint,
  getFeedEndpoint,
  getHistogramEndpoint,
  listEventsEndpoint,
  listQuarantineEndpoint,
  redriveEndpoint,
  whoamiEndpoint,
} from '../endpoints.ts';
import { createExportUrlEndpoint, exportEndpoint, getExportEndpoint } from '../exports/export-endpoints.ts';
import { ledgerEndpoint } from '../ledger/ledger-endpoint.ts';
import type { QueryMetrics } from '../metrics.ts';
import { tailEndpoint } from '../tail/tail-endpoint.ts';
import type { LogPages } from '../tail/log-pages.ts';
import type { TailSender } from '../tail/tail-sender.ts';
import type { ViewerTokens } from '../tokens/viewer-tokens.ts';
import type { ReadGate } from '../gate/read-gate.ts';
import { createWaitingRoom } from '../gate/waiting-room.ts';
import type { Callers } from './caller.ts';
import { getEvent } from './get-event.ts';
import { getExportRecord } from './get-export-record.ts';
import { getExport, type ExportPorts } from './get-export.ts';
import { getEventTrace } from './get-event-trace.ts';
import { getFacets } from './get-facets.ts';
import { getFeed } from './get-feed.ts';
import { getHistogram } from './get-histogram.ts';
import { getLedger } from './get-ledger.ts';
import { getQuarantine } from './get-quarantine.ts';
import { getTail } from './get-tail.ts';
import { getWhoami } from './get-whoami.ts';
import { listEvents } from './list-events.ts';
import { postExport } from './post-export.ts';
import { postRedrive, type RedrivePorts } from './post-redrive.ts';
import { postViewerToken } from './post-viewer-token.ts';
import { readingHandler, type KeepReading, type ReadingRoute } from './reading-route.ts';

export interface QueryRouterPorts {
  readonly callers: Callers;
  readonly tokens: ViewerTokens;
  readonly cursors: CursorSeal;
  readonly reader: LogReader;
  readonly gate: ReadGate;
  readonly metrics: QueryMetrics;
  readonly rangeDaysMax: number;
  readonly waitersMax: number;
  readonly redriver: RedrivePorts['redriver'];
  readonly clientAddress: RedrivePorts['clientAddress'];
  readonly keepReading: KeepReading;
  /** Origins whose pages may read with viewer tokens. */
  readonly viewerOrigins: readonly string[];
  readonly pages: LogPages;
  readonly tails: TailSender;
  readonly exports: Pick<ExportPorts, 'records' | 'sender' | 'tickets' | 'exportRangeDaysMax'>;
}

/** Whatever shows anything of a log stands here: its answers go through the access trail. */
function readingRoutes(ports: QueryRouterPorts): ReadingRoute[] {
  const waitingRoom = createWaitingRoom(ports.waitersMax, ports.metrics);
  return [
    { endpoint: listEventsEndpoint, reads: 'searched', answer: listEvents(ports) },
    { endpoint: getHistogramEndpoint, reads: 'counted', answer: getHistogram(ports) },
    { endpoint: getFacetsEndpoint, reads: 'counted', answer: getFacets(ports) },
    { endpoint: getEventEndpoint, reads: 'event_viewed', answer: getEvent({ ...ports, waitingRoom }) },
    { endpoint: getEventTraceEndpoint, reads: 'event_traced', answer: getEventTrace(ports) },
    { endpoint: listQuarantineEndpoint, reads: 'quarantine_listed', answer: getQuarantine(ports) },
    { endpoint: redriveEndpoint, reads: 'redriven', answer: postRedrive(ports) },
    { endpoint: getFeedEndpoint, reads: 'fed', answer: getFeed({ ...ports, waitingRoom }) },
    {
      endpoint: tailEndpoint,
      reads: 'tailed',
      answer: getTail({ ...ports, sender: ports.tails }),
    },
    { endpoint: ledgerEndpoint, reads: 'ledger_read', answer: getLedger(ports) },
    { endpoint: exportEndpoint, reads: 'exported', answer: getExport({ ...ports, ...ports.exports }) },
  ];
}

/** All paths of the query service. Every one needs a key or a viewer token; what it may do is decided before anything is read. */
export function createQueryRouter(ports: QueryRouterPorts): ApiRouter {
  const router = createApiRouter();
  const { allow, preflight } = createCors(ports.viewerOrigins);
  const addForPages = (endpoint: Endpoint, handler: RequestHandler): void => {
    router.add(endpoint, allow, handler);
    if (ports.viewerOrigins.length > 0) router.addPreflight(endpoint.path, preflight);
  };
  for (const route of readingRoutes(ports)) addForPages(route.endpoint, readingHandler(route, ports.keepReading));
  // These are not given the log reader: they cannot show anything of a log.
  const { callers, tokens, gate, metrics, exports } = ports;
  router.add(createViewerTokenEndpoint, postViewerToken({ callers, tokens, metrics }));
  addForPages(createExportUrlEndpoint, postExport({ callers, ...exports }));
  addForPages(getExportEndpoint, getExportRecord({ callers, gate, ...exports }));
  addForPages(whoamiEndpoint, getWhoami({ callers }));
  addDocumentRoutes(router, openApiDocuments.query);
  return router;
}
