import { Router } from 'express';
import type { RequestHandler } from 'express';

import { DocketError } from '../errors/docket-error.ts';

/**
 * The end of the chain: a path that some router serves with other methods is 405 with Allow (RFC 9110 §15.5.6), any other is 404.
 * It stands behind all routers, because several apps may serve one path with different methods.
 */
export function createNotFound(routers: readonly Router[]): Router {
  const allowed = new WeakMap<object, Set<string>>();
  const end = Router();
  for (const { route } of routers.flatMap((router) => router.stack)) {
    if (route === undefined) continue;
    const methods = route.stack.map((layer) => layer.method).filter((method) => typeof method === 'string');
    const remember: RequestHandler = (req, _res, next) => {
      const seen = allowed.get(req) ?? new Set<string>();
      for (const method of methods) seen.add(method.toUpperCase());
      allowed.set(req, seen);
      next();
    };
    end.all(route.path, remember);
  }
  end.use((req) => {
    const methods = allowed.get(req);
    if (methods === undefined) throw new DocketError('not_found', 'No such path.');
    if (methods.has('GET')) methods.add('HEAD');
    const allow = [...methods].toSorted().join(', ');
    throw new DocketError('method_not_allowed', `This path takes ${allow}.`, { headers: { Allow: allow } });
  });
  return end;
}
