import { Router, type RequestHandler } from 'express';
import type { LogReader } from '../clickhouse-log-reader.ts';
import type { QueryMetrics } from '../metrics.ts';
import { requestParameters } from '../request-parameters-mapper.ts';
import { createWaitingRoom } from '../waiting-room.ts';
import { callerOf, type KeyDirectory } from './caller.ts';
import { getEvent } from './get-event.ts';
import { getFacets } from './get-facets.ts';
import { getFeed } from './get-feed.ts';
import { getHistogram } from './get-histogram.ts';
import { listEvents } from './list-events.ts';
import { requireValid, searchOf } from './query-string.ts';
import { readingHandler, type KeepReading, type ReadingRoute } from './reading-route.ts';

export interface QueryRouterPorts {
  readonly directory: KeyDirectory;
  readonly reader: LogReader;
  readonly metrics: QueryMetrics;
  readonly rangeDaysMax: number;
  readonly waitersMax: number;
  readonly keepReading: KeepReading;
}

/** Whatever shows anything of a log stands here: its answers go through the access trail. */
function readingRoutes(ports: QueryRouterPorts): ReadingRoute[] {
  const waitingRoom = createWaitingRoom(ports.waitersMax, ports.metrics);
  return [
    { path: '/v1/events', reads: 'searched', answer: listEvents(ports) },
    { path: '/v1/events/histogram', reads: 'counted', answer: getHistogram(ports) },
    { path: '/v1/events/facets', reads: 'counted', answer: getFacets(ports) },
    { path: '/v1/events/:id', reads: 'event_viewed', answer: getEvent({ ...ports, waitingRoom }) },
    { path: '/v1/feed', reads: 'fed', answer: getFeed(ports) },
  ];
}

/** All paths of the query service. Every one needs a key; what it may do is decided before anything is read. */
export function createQueryRouter(ports: QueryRouterPorts): Router {
  const router = Router();
  for (const route of readingRoutes(ports)) router.get(route.path, readingHandler(route, ports.keepReading));
  router.get('/v1/whoami', whoami(ports.directory));
  return router;
}

/** GET /v1/whoami: what this credential may do. Given only the directory: it cannot read a log. */
function whoami(directory: KeyDirectory): RequestHandler {
  return (req, res) => {
    const { keyId, scopes, tenants } = callerOf(directory, req);
    requireValid(requestParameters(searchOf(req), []));
    res.set('Cache-Control', 'no-store').json({ key_id: keyId, scopes, tenants });
  };
}
