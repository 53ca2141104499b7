import { DocketError } from '@docket/runtime';
import type { ApiRouter } from '@docket/runtime';
import type { RequestHandler } from 'express';

const adminPath = /^\/v1\/(?:tenants|keys|subscriptions)(?:\/|$)/;
const ingestPath = '/v1/events';

/** The gateway is the one public door: what it does not answer itself goes to admin or query by its path. */
export function addUpstreamRoutes(
  router: ApiRouter,
  upstreams: { readonly query: RequestHandler; readonly admin: RequestHandler },
): void {
  router.use((req, res, next) => {
    const { path, method } = req;
    // OPTIONS is a browser's question about reading.
    if (path === ingestPath && method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS') {
      throw new DocketError('method_not_allowed', 'This path takes GET, HEAD, POST.', {
        headers: { Allow: 'GET, HEAD, POST' },
      });
    }
    if (adminPath.test(path)) return upstreams.admin(req, res, next);
    if (path.startsWith('/v1/')) return upstreams.query(req, res, next);
    return next();
  });
}
