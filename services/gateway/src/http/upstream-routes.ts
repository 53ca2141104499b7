import { DocketError } from '@docket/runtime';
import type { ApiRouter, Cors } from '@docket/runtime';
import type { RequestHandler } from 'express';

import type { Upstream } from './upstream-proxy.ts';

const adminPath = /^\/v1\/(?:tenants|keys|subscriptions)(?:\/|$)/;
/** What delivery knows of a subscription. */
const deliveryPath = /^\/v1\/subscriptions\/[^/]+\/(?:status|test|preview|replay\/dry-run)\/?$/;
const ingestPath = '/v1/events';
/** A page has no key to ask with, and must not have one. */
const tokensPath = '/v1/viewer-tokens';

/**
 * The gateway is the one public door: what it does not answer itself goes to admin, delivery or query by its path. Where it can not, and answers
 * with a problem of its own, the pages that may read query's answers may read that, too.
 */
export function addUpstreamRoutes(
  router: ApiRouter,
  upstreams: Readonly<Record<Upstream, RequestHandler>>,
  cors: Pick<Cors, 'allow'>,
): void {
  router.use((req, res, next) => {
    const { path, method } = req;
    // OPTIONS is a browser's question about reading.
    if (path === ingestPath && method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS') {
      throw new DocketError('method_not_allowed', 'This path takes GET, HEAD, POST.', {
        headers: { Allow: 'GET, HEAD, POST' },
      });
    }
    if (deliveryPath.test(path)) return upstreams.delivery(req, res, next);
    if (adminPath.test(path)) return upstreams.admin(req, res, next);
    if (!path.startsWith('/v1/')) return next();
    if (path !== tokensPath) cors.allow(req, res, () => undefined);
    return upstreams.query(req, res, next);
  });
}
