import { currentAuditContext } from './audit-context.ts';
import { newEventId } from './event-id.ts';
import type { EventInput } from './event-input.ts';
import { tenantOf, toWireEvent, toWireText } from './event-mapper.ts';
import { createEventQueue, type Entry, type Settlement } from './event-queue.ts';
import { type DocketOptions, type Failure, type FailureReason, resolveOptions } from './options.ts';
import { createPostEvents } from './post-events.ts';
import { createProgress, type FlushOutcome } from './progress.ts';
import { createSender } from './sender.ts';
import { createTenantCounters } from './tenant-counters.ts';

export type RecordOutcome = { ok: true; id: string } | ({ ok: false } & Failure);

/** Counts since the start, and what waits now: for the application's own metrics. */
export interface DocketStats {
  accepted: number;
  refused: number;
  /** Never queued: invalid, too large, queue full, closed. */
  rejected: number;
  queuedEvents: number;
  queuedBytes: number;
}

export interface Docket {
  /**
   * Records an event. Resolves `{ ok: true, id }` when the local queue has accepted it, and `{ ok: false, reason }` when
   * it has not; never throws, never rejects, never waits for the network. A background sender then delivers it, in
   * order and with the same id on every try, until the gateway has it.
   *
   * Durability in this version: the process's memory. What is queued when the process dies is lost; `close()` before
   * exit, or `recordNow()` for what must not be. Safe to repeat with the same `id`: the log holds it once.
   */
  record(input: EventInput): Promise<RecordOutcome>;

  /**
   * Records an event and waits until it is durable in the log (the gateway's 202). Behind everything recorded before it.
   * Default deadline 10 s; `deadline`, `unavailable` and `misconfigured` mean that it is still queued and may yet appear.
   */
  recordNow(input: EventInput, options?: { deadlineMs?: number }): Promise<RecordOutcome>;

  /** Waits until everything recorded before this call is settled (in the log, or refused). Default deadline 10 s. */
  flush(options?: { deadlineMs?: number }): Promise<FlushOutcome>;

  /** Takes no more events, flushes, then stops. What is pending at the deadline (default 10 s) is lost. Idempotent. */
  close(options?: { deadlineMs?: number }): Promise<FlushOutcome>;

  stats(): DocketStats;
}

/** Long enough for a gateway that is restarting, short enough for a request or a shutdown that waits for it. */
const defaultDeadlineMs = 10_000;

/** A recorder. Throws TypeError for options that can never work; after that nothing it does throws or rejects. */
export function createDocket(given: DocketOptions): Docket {
  const options = resolveOptions(given);
  const queue = createEventQueue(options.queue);
  const nextCounter = createTenantCounters();
  const progress = createProgress();
  const totals = { accepted: 0, refused: 0, rejected: 0 };
  let closing: Promise<FlushOutcome> | undefined;

  const report = guardedReport(options.onFailure);
  const sender = createSender({
    queue,
    post: createPostEvents(options),
    batch: options.batch,
    retry: options.retry,
    onSettled(entry, settlement) {
      if (settlement.kind === 'accepted') totals.accepted += 1;
      else {
        totals.refused += 1;
        report({ reason: 'refused', detail: settlement.detail, id: entry.id });
      }
      entry.onSettled?.(settlement);
      progress.settled();
    },
    onDelayed: (reason, detail) => report({ reason, detail }),
  });

  function enqueue(input: EventInput, onSettled?: Entry['onSettled']): RecordOutcome {
    if (closing !== undefined) return failed('closed', 'the recorder is closed', input.id);
    const ambient = currentAuditContext();
    const tenantId = tenantOf(input, ambient, options.tenantId);
    const nowMs = Date.now();
    const stamp = { id: newEventId(nowMs), nowMs, tenantId, source: options.source, counter: nextCounter(tenantId) };
    const mapped = toWireEvent(input, ambient, stamp);
    if (!mapped.ok) return failed('invalid', mapped.detail, input.id);
    const { id } = mapped.event;
    const text = toWireText(mapped.event);
    const bytes = Buffer.byteLength(text);
    if (bytes > options.batch.bytesMax) {
      return failed('too_large', `${bytes} of at most ${options.batch.bytesMax} bytes`, id);
    }
    if (!queue.push({ id, text, bytes, onSettled })) {
      return failed('queue_full', `${queue.size().events} events, ${queue.size().bytes} bytes are waiting`, id);
    }
    progress.queued();
    sender.wake();
    return { ok: true, id };
  }

  function recordOrFail(input: EventInput, onSettled?: Entry['onSettled']): RecordOutcome {
    let outcome: RecordOutcome;
    try {
      outcome = enqueue(input, onSettled);
    } catch (error) {
      // What the application hands in may throw when it is read: a getter, a BigInt, a cycle, null.
      outcome = failed('invalid', `not an event: ${textOf(error)}`, undefined);
    }
    if (!outcome.ok) {
      totals.rejected += 1;
      report(outcome);
    }
    return outcome;
  }

  return {
    record: (input) => Promise.resolve(recordOrFail(input)),
    recordNow: (input, { deadlineMs = defaultDeadlineMs } = {}) =>
      confirmed((onSettled) => recordOrFail(input, onSettled), deadlineMs),
    flush: ({ deadlineMs = defaultDeadlineMs } = {}) => progress.reached(deadlineMs),
    close({ deadlineMs = defaultDeadlineMs } = {}) {
      closing ??= progress.reached(deadlineMs).then(async (outcome) => {
        await sender.stop();
        return outcome;
      });
      return closing;
    },
    stats: () => ({ ...totals, queuedEvents: queue.size().events, queuedBytes: queue.size().bytes }),
  };
}

/** The outcome of an event whose settlement is waited for, at most for `deadlineMs`. */
function confirmed(
  queueEvent: (onSettled: (settlement: Settlement) => void) => RecordOutcome,
  deadlineMs: number,
): Promise<RecordOutcome> {
  return new Promise((resolve) => {
    const outcome = queueEvent((settlement) => {
      clearTimeout(timer);
      resolve(settlement.kind === 'accepted' ? outcome : failed(settlement.kind, settlement.detail, outcome.id));
    });
    const expire = (): void => resolve(failed('deadline', `not confirmed within ${deadlineMs} ms`, outcome.id));
    const timer = outcome.ok ? setTimeout(expire, deadlineMs) : undefined;
    if (!outcome.ok) resolve(outcome);
  });
}

function failed(reason: FailureReason, detail: string, id: string | undefined): { ok: false } & Failure {
  return { ok: false, reason, detail, id };
}

/** A hook of the application must not end the sender, nor, when it is async, the process. */
function guardedReport(onFailure: (failure: Failure) => unknown): (failure: Failure) => void {
  const complain = (error: unknown): void =>
    process.emitWarning(`onFailure threw: ${textOf(error)}`, { type: 'DocketWarning' });
  return (failure) => {
    try {
      void Promise.resolve(onFailure(failure)).catch(complain);
    } catch (error) {
      complain(error);
    }
  };
}

/** Anything can be thrown, also what has no text. */
function textOf(error: unknown): string {
  try {
    return String(error);
  } catch {
    return 'something without a text was thrown';
  }
}
