import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { compileScoped, type ScopedSearch } from '@docket/event';
import { DocketError } from '@docket/runtime';
import type { Response } from 'express';
import type { AnswerBudget } from '../pages/answer-bytes.ts';
import type { CredentialWatch } from '../gate/credential-watch.ts';
import { writeUnhurried } from '../http/unhurried-write.ts';
import type { QueryMetrics } from '../metrics.ts';
import type { PlaceHolder, Places } from '../gate/places.ts';
import { limitedAs, type Caller } from '../gate/reader-policy.ts';
import type { LogPage, LogPages } from './log-pages.ts';
import {
  addSkipped,
  endMessage,
  heartbeat,
  nothingSkipped,
  pageMessages,
  progressMessage,
  retryMessage,
  type EndReason,
} from './tail-mapper.ts';

/** Far below the idle time of common proxies (60 s), so that a stream without events is not taken for dead. */
const heartbeatMs = 15_000;

export interface TailPlan {
  readonly caller: Caller;
  readonly search: ScopedSearch;
  /** The first event is behind this seq. */
  readonly afterSeq: number;
}

export interface TailSender {
  /** Throws `rate_limited` or `overloaded` where `send` would now, before anything is told of the stream. */
  requirePlace(holder: PlaceHolder): void;
  /**
   * Sends what the log gets, until the caller goes away, takes nothing for 30 s, may not read any more, or `drain`. One page is
   * held at a time, at the caller's pace (I8). While ClickHouse is away the stream stays, and goes on where it was.
   */
  send(plan: TailPlan, res: Response): Promise<void>;
  /** Ends all streams well, so that their readers come back to another instance. */
  drain(): void;
}

interface SenderPorts {
  readonly pages: LogPages;
  readonly places: Places;
  readonly answers: AnswerBudget;
  readonly watch: CredentialWatch;
  readonly metrics: Pick<QueryMetrics, 'tailsRefused' | 'tailedEvents'>;
  readonly pollMs: number;
}

export function createTailSender(ports: SenderPorts): TailSender {
  const { places, watch, metrics } = ports;
  const endings = new Set<(reason: EndReason) => void>();

  function takePlace(holder: PlaceHolder): () => void {
    const place = places.enter(holder);
    if (place.ok) return place.leave;
    metrics.tailsRefused.inc({ limit: place.limit });
    if (place.limit === 'process') throw new DocketError('overloaded', 'Too many tails are open.');
    throw new DocketError('rate_limited', `${place.max} tails of this ${place.limit} are open.`);
  }

  return {
    requirePlace: (holder) => takePlace(holder)(),
    async send(plan, res) {
      const { tenantId } = plan.search;
      const leave = takePlace({ tenantId, keyId: limitedAs(plan.caller) });
      const ending = new AbortController();
      setMaxListeners(0, ending.signal);
      let reason: EndReason | null = null;
      const end = (why: EndReason): void => {
        reason ??= why;
        ending.abort();
      };
      endings.add(end);
      const unwatch = watch.watch(plan.caller, tenantId, () => end('credential_ended'));
      const onClose = (): void => ending.abort();
      res.once('close', onClose);
      try {
        await follow(plan, res, ending.signal, ports);
      } catch (error) {
        if (reason === null) throw error;
        // One that is behind would get its end too late; it comes back all the same.
        if (res.writableNeedDrain) res.destroy();
        else res.end(endMessage(reason));
      } finally {
        // The page that is under way is given back.
        ending.abort();
        endings.delete(end);
        unwatch();
        res.off('close', onClose);
        leave();
      }
    },
    drain() {
      for (const end of endings) end('stopping');
    },
  };
}

/** Never returns: it throws when the signal aborts and when the stream fails. */
async function follow(plan: TailPlan, res: Response, signal: AbortSignal, ports: SenderPorts): Promise<never> {
  const { metrics, pollMs } = ports;
  const { tenantId } = plan.search;
  const matches = compileScoped(plan.search);
  let after = plan.afterSeq;
  let skipped = nothingSkipped;
  let wroteAtMs = performance.now();
  const write = async (text: string): Promise<void> => {
    await writeUnhurried(res, text, signal);
    wroteAtMs = performance.now();
  };

  res.flushHeaders();
  await write(retryMessage + progressMessage({ after, skipped, asOfMs: null }));
  for (;;) {
    const page = await takePage(ports, plan, after, signal).catch(atNextLook);
    signal.throwIfAborted();
    if (page !== null && page.rows.length > 0) {
      const messages = pageMessages(page.rows, matches);
      for (const event of messages.events) await write(event);
      metrics.tailedEvents.inc(messages.events.length);
      after = messages.lastSeq;
      skipped = addSkipped(skipped, messages.skipped);
      if (messages.events.length < page.rows.length) {
        await write(progressMessage({ after, skipped, asOfMs: null }));
        skipped = nothingSkipped;
      }
      page.release();
      if (page.hasMore) continue;
    }
    if (performance.now() - wroteAtMs >= heartbeatMs) {
      // Without a look at the log nothing can be said of it.
      await write(page === null ? heartbeat : progressMessage({ after, skipped, asOfMs: page.askedAtMs }));
    }
    await pause(msToLook(pollMs, tenantId), undefined, { signal });
  }
}

/** A page with its bytes held until they are released, or the stream ends. Throws as LogReader.feed. */
async function takePage(
  { pages, answers }: SenderPorts,
  { caller, search: { tenantId } }: TailPlan,
  after: number,
  signal: AbortSignal,
): Promise<LogPage & { readonly release: () => void }> {
  const keyId = limitedAs(caller);
  const page = await pages.after(tenantId, after, keyId);
  // An idle stream looks again and again, for as long as it lives.
  if (page.bytes === 0) return { ...page, release: () => undefined };
  const held = answers.open({ tenantId, keyId }, signal, null);
  if (!held.takes(page.bytes, false)) {
    held.release();
    held.requireRoom();
  }
  return { ...page, release: held.release };
}

/** The log can not be read now: a limit, or ClickHouse is away. Anything else is a bug, and ends the stream. */
function atNextLook(error: unknown): null {
  if (error instanceof DocketError && error.entry.retry === 'later') return null;
  throw error;
}

/**
 * Looks at one log come at the same moments, so that streams share them; those at different logs are spread over the interval.
 */
function msToLook(pollMs: number, tenantId: string): number {
  let spread = 0;
  for (let at = 0; at < tenantId.length; at++) spread = (spread * 31 + tenantId.charCodeAt(at)) % pollMs;
  return pollMs - ((Date.now() + spread) % pollMs);
}
