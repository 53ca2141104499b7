import type { RequestOrigin } from '@docket/event';
import { receivedFrom, requestIdOf } from '@docket/runtime';
import type { Request, Response } from 'express';

/** Where a question came from, for the access trail. */
export function originOf(req: Request, res: Response, trustedProxyHops: number): RequestOrigin {
  return {
    requestId: requestIdOf(res),
    ip: receivedFrom(req.socket.remoteAddress, req.get('x-forwarded-for'), trustedProxyHops),
    userAgent: req.get('user-agent') ?? '',
  };
}
