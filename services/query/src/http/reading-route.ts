import type { Endpoint } from '@docket/runtime';
import type { Request, RequestHandler, Response } from 'express';
import type { Reading, ReadingKind } from '../trail/reading.ts';
import { forCaller } from './for-caller.ts';
import { sendUnhurried } from './unhurried-write.ts';

/**
 * An answer that shows something of a log, with the account of what it shows; of several logs, of each one. Nothing of it is sent
 * before that is kept.
 */
export type ReadAnswer = {
  readonly reading: Reading | readonly Reading[];
  readonly headers?: Readonly<Record<string, string>>;
} & (
  | { readonly body: unknown }
  /** The body, written already. */
  | { readonly json: Buffer }
  /** Writes the answer itself; begins with the status line. */
  | { readonly stream: (res: Response) => Promise<void> }
);

/**
 * Answers one request. It has no response to write to: what it returns is sent once the access trail has it, so that no
 * endpoint can read a log untold. What it throws is answered as a problem, and nothing was shown.
 */
export type Reader = (req: Request, signal: AbortSignal) => Promise<ReadAnswer>;

/** Keeps the account of a reading; what it throws (`trail_unavailable`) is the caller's answer. */
export type KeepReading = (kind: ReadingKind, reading: Reading, req: Request, res: Response) => Promise<void>;

export interface ReadingRoute {
  readonly endpoint: Endpoint;
  /** How the trail calls a reading of it. */
  readonly reads: ReadingKind;
  readonly answer: Reader;
}

/** The handler of a route that reads a log: the one way to answer from it. */
export function readingHandler(
  { reads, answer }: Pick<ReadingRoute, 'reads' | 'answer'>,
  keep: KeepReading,
): RequestHandler {
  return forCaller(async (req, res, signal) => {
    const answered = await answer(req, signal);
    await Promise.all([answered.reading].flat().map((reading) => keep(reads, reading, req, res)));
    res.set('Cache-Control', 'no-store').set(answered.headers ?? {});
    if ('stream' in answered) await answered.stream(res);
    else
      await sendUnhurried(res, 'json' in answered ? answered.json : Buffer.from(JSON.stringify(answered.body)), signal);
  });
}
