import { setTimeout as sleep } from 'node:timers/promises';
import type { Entry, EventQueue, Settlement } from './event-queue.ts';
import type { PostEvents } from './post-events.ts';
import { retryDelayMs, type RetryLimits, verdictOf } from './retry-policy.ts';

export interface SenderOptions {
  queue: EventQueue;
  post: PostEvents;
  batch: { eventsMax: number; bytesMax: number };
  retry: RetryLimits;
  onSettled(entry: Entry, settlement: Settlement): void;
  /** A request failed and will be repeated. */
  onDelayed(reason: 'unavailable' | 'misconfigured', detail: string): void;
}

export interface Sender {
  /** Starts sending, if nothing is under way. */
  wake(): void;
  /** Ends at once: the request under way is aborted, what is queued stays there. */
  stop(): Promise<void>;
}

/**
 * Sends the queue in order, one request at a time, so that the events of a tenant reach the log in the order of their
 * `record` calls. Repeats a request without limit, with the same ids: the queue's bounds are the limit, not a timer.
 */
export function createSender(options: SenderOptions): Sender {
  const stopping = new AbortController();
  let active = false;
  let running = Promise.resolve();

  async function run(): Promise<void> {
    try {
      // Once more when something came while `sendAll` was returning: its `wake` found a sender under way.
      do await sendAll();
      while (options.queue.size().events > 0 && !stopping.signal.aborted);
    } finally {
      active = false;
    }
  }

  async function sendAll(): Promise<void> {
    let eventsMax = options.batch.eventsMax;
    let failures = 0;
    // Lets the records of one turn of the event loop share a request.
    await Promise.resolve();
    while (!stopping.signal.aborted) {
      const batch = options.queue.peek(eventsMax, options.batch.bytesMax);
      if (batch.length === 0) return;
      const { answer, putAside } = await options.post(
        batch.map((entry) => entry.text),
        stopping.signal,
      );
      // The abort made this answer: it says nothing about the server.
      if (stopping.signal.aborted) return;
      const verdict = verdictOf(answer);
      if (verdict === 'accepted') {
        const refusals = new Map(putAside.map(({ index, detail }) => [index, detail]));
        settle(batch, (index) => {
          const detail = refusals.get(index);
          return detail === undefined ? { kind: 'accepted' } : { kind: 'refused', detail };
        });
        eventsMax = Math.min(eventsMax * 2, options.batch.eventsMax);
        failures = 0;
      } else if (verdict === 'refused') {
        // Halve until the refused event is alone: its neighbours are not to blame.
        if (batch.length > 1) eventsMax = Math.ceil(batch.length / 2);
        else settle(batch, () => ({ kind: 'refused', detail: answer.detail }));
        failures = 0;
      } else {
        failures += 1;
        if (verdict === 'misconfigured')
          for (const entry of batch) entry.onSettled?.({ kind: verdict, detail: answer.detail });
        options.onDelayed(verdict === 'retry' ? 'unavailable' : verdict, answer.detail);
        await pause(retryDelayMs(failures, answer, options.retry, Math.random(), Date.now()));
      }
    }
  }

  function settle(batch: Entry[], settlementOf: (index: number) => Settlement): void {
    options.queue.drop(batch.length);
    for (const [index, entry] of batch.entries()) options.onSettled(entry, settlementOf(index));
  }

  async function pause(ms: number): Promise<void> {
    try {
      await sleep(ms, undefined, { signal: stopping.signal });
    } catch {
      // Stopped: the loop sees it.
    }
  }

  return {
    wake() {
      if (active || stopping.signal.aborted) return;
      active = true;
      running = run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
