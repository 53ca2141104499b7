import { clientGone, DocketError } from '@docket/runtime';
import type { Request, RequestHandler, Response } from 'express';

/**
 * A handler whose work ends with its answer: `signal` aborts when that was sent, or its caller has gone away. What the work throws because of
 * it is nobody's problem any more.
 */
export function forCaller(work: (req: Request, res: Response, signal: AbortSignal) => Promise<void>): RequestHandler {
  return async (req, res) => {
    // Nothing would end the work, nor give back what it holds: `close` has been told already.
    if (res.closed) return;
    const gone = clientGone(res);
    const over = new AbortController();
    res.once('close', () => over.abort(new Error('The answer is over.')));
    try {
      await work(req, res, over.signal);
    } catch (error) {
      over.abort(error);
      if (!gone.aborted) throw error;
    }
  };
}

/** Throws `method_not_allowed` on HEAD, where the answer has no length to tell and would be made for nothing. */
export function requireGet({ method }: Request): void {
  if (method !== 'GET')
    throw new DocketError('method_not_allowed', 'This path takes GET.', { headers: { Allow: 'GET' } });
}
