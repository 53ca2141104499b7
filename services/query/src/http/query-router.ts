import { Router } from 'express';
import type { LogReader } from '../clickhouse-log-reader.ts';
import type { CursorSeal } from '../cursor-seal.ts';
import type { QueryMetrics } from '../metrics.ts';
import type { ViewerTokens } from '../viewer-tokens.ts';
import { createWaitingRoom } from '../waiting-room.ts';
import type { Callers } from './caller.ts';
import { getEvent } from './get-event.ts';
import { getFacets } from './get-facets.ts';
import { getFeed } from './get-feed.ts';
import { getHistogram } from './get-histogram.ts';
import { getWhoami } from './get-whoami.ts';
import { listEvents } from './list-events.ts';
import { postViewerToken } from './post-viewer-token.ts';
import { readingHandler, type KeepReading, type ReadingRoute } from './reading-route.ts';

export interface QueryRouterPorts {
  readonly callers: Callers;
  readonly tokens: ViewerTokens;
  readonly cursors: CursorSeal;
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

/** All paths of the query service. Every one needs a key or a viewer token; what it may do is decided before anything is read. */
export function createQueryRouter(ports: QueryRouterPorts): Router {
  const router = Router();
  for (const route of readingRoutes(ports)) router.get(route.path, readingHandler(route, ports.keepReading));
  // These are not given the log reader: they cannot show anything of a log.
  const { callers, tokens, metrics } = ports;
  router.post('/v1/viewer-tokens', postViewerToken({ callers, tokens, metrics }));
  router.get('/v1/whoami', getWhoami({ callers }));
  return router;
}
