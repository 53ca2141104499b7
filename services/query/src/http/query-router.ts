import { Router } from 'express';
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

export interface QueryRouterPorts {
  readonly directory: KeyDirectory;
  readonly reader: LogReader;
  readonly metrics: QueryMetrics;
  readonly rangeDaysMax: number;
  readonly waitersMax: number;
}

/** All paths of the query service. Every one needs a key; what it may do is decided before anything is read. */
export function createQueryRouter(ports: QueryRouterPorts): Router {
  const { directory } = ports;
  const router = Router();
  router.get('/v1/events', listEvents(ports));
  router.get('/v1/events/histogram', getHistogram(ports));
  router.get('/v1/events/facets', getFacets(ports));
  router.get('/v1/events/:id', getEvent({ ...ports, waitingRoom: createWaitingRoom(ports.waitersMax, ports.metrics) }));
  router.get('/v1/feed', getFeed(ports));
  router.get('/v1/whoami', (req, res) => {
    const { keyId, scopes, tenants } = callerOf(directory, req);
    requireValid(requestParameters(searchOf(req), []));
    res.set('Cache-Control', 'no-store').json({ key_id: keyId, scopes, tenants });
  });
  return router;
}
