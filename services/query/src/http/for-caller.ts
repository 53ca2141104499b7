import { clientGone, DocketError } from '@docket/runtime';
import type { Request, RequestHandler, Response } from 'express';

/**
 * A handler whose work ends when its caller goes away: `signal` then aborts, and whatever the work throws because of it is
 * nobody's problem any more.
 */
export function forCaller(work: (req: Request, res: Response, signal: AbortSignal) => Promise<void>): RequestHandler {
  return async (req, res) => {
    const signal = clientGone(res);
    try {
      await work(req, res, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  };
}

/** Throws `method_not_allowed` on HEAD, where the answer has no length to tell and would be made for nothing. */
export function requireGet({ method }: Request): void {
  if (method !== 'GET')
    throw new DocketError('method_not_allowed', 'This path takes GET.', { headers: { Allow: 'GET' } });
}
