import { setTimeout as sleep } from 'node:timers/promises';
import { retryDelayMs, type RetryLimits } from './retry-policy.ts';
import type { BatchLimits, Entry, Settlement } from './spool/entry.ts';
import type { Batch, Spool } from './spool/spool.ts';
import type { Sent, Transport } from './transport.ts';

export interface SenderOptions {
  spool: Pick<Spool, 'peek'>;
  transport: Transport;
  batch: BatchLimits;
  retry: RetryLimits;
  onSettled(entry: Entry, settlement: Settlement): void;
  /** A request was answered, or not. */
  onRequest(sent: Sent, entries: readonly Entry[], durationMs: number): void;
}

export interface Sender {
  /** Starts sending, if nothing is under way. */
  wake(): void;
  /** Ends at once: the request under way is aborted, what waits stays where it is. */
  stop(): Promise<void>;
}

/**
 * From the begin of one request to the next, unless there is a whole batch: a request for each event costs the application more than recording it does.
 * The first event after a pause is sent at once.
 */
const gatherMs = 50;

/**
 * Sends the spool in order, one request at a time, so that the events of a tenant reach the log in the order of their
 * `record` calls. Repeats a request without limit, with the same ids: the spool's bounds are the limit, not a timer.
 *
 * A process that has nothing else to do ends while the sender waits for the next try; what is on disk is sent by the next
 * process.
 */
export function createSender(options: SenderOptions): Sender {
  const stopping = new AbortController();
  const { eventsMax: fullBatch, bytesMax } = options.batch;
  let isActive = false;
  let isWoken = false;
  let running = Promise.resolve();

  async function run(): Promise<void> {
    try {
      // Once more when something came while `sendAll` was returning: its `wake` found a sender under way.
      while (isWoken && !stopping.signal.aborted) {
        isWoken = false;
        await sendAll();
      }
    } finally {
      isActive = false;
    }
  }

  async function sendAll(): Promise<void> {
    let eventsMax = fullBatch;
    let failures = 0;
    while (!stopping.signal.aborted) {
      const batch = await options.spool.peek({ eventsMax, bytesMax });
      if (batch === undefined || stopping.signal.aborted) return;
      const { entries } = batch;
      const beganAtMs = performance.now();
      const texts = entries.map((entry) => entry.text);
      const sent = await options.transport.send(texts, stopping.signal);
      // The abort made this answer: it says nothing about the receiver.
      if (stopping.signal.aborted && sent.verdict !== 'accepted') return;
      options.onRequest(sent, entries, performance.now() - beganAtMs);
      if (sent.verdict === 'accepted') {
        const refusals = new Map(sent.putAside.map(({ index, detail }) => [index, detail]));
        await settle(batch, (index) => {
          const detail = refusals.get(index);
          return detail === undefined ? { kind: 'accepted' } : { kind: 'refused', detail };
        });
        const sentBytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
        const isBacklog = entries.length >= eventsMax || sentBytes >= bytesMax / 2;
        eventsMax = Math.min(eventsMax * 2, fullBatch);
        failures = 0;
        if (!isBacklog) await pause(gatherMs - (performance.now() - beganAtMs), { isWaitedFor: true });
      } else if (sent.verdict === 'refused') {
        // Halve until the refused event is alone: its neighbours are not to blame.
        if (entries.length > 1) eventsMax = Math.ceil(entries.length / 2);
        else await settle(batch, () => ({ kind: 'refused', detail: sent.detail }));
        failures = 0;
      } else {
        failures += 1;
        if (sent.verdict === 'misconfigured')
          for (const entry of entries) batch.listenerOf(entry)?.({ kind: sent.verdict, detail: sent.detail });
        await pause(retryDelayMs(failures, sent, options.retry, Math.random()));
      }
    }
  }

  async function settle(batch: Batch, settlementOf: (index: number) => Settlement): Promise<void> {
    const told = batch.entries.map((entry, index) => {
      return { entry, listener: batch.listenerOf(entry), settlement: settlementOf(index) };
    });
    await batch.drop(told.length);
    for (const { entry, listener, settlement } of told) {
      options.onSettled(entry, settlement);
      listener?.(settlement);
    }
  }

  /** @param isWaitedFor a process that has nothing else to do ends after the pause, not in it. */
  async function pause(ms: number, { isWaitedFor = false } = {}): Promise<void> {
    if (ms <= 0) return;
    try {
      await sleep(ms, undefined, { signal: stopping.signal, ref: isWaitedFor });
    } catch {
      // Stopped: the loop sees it.
    }
  }

  return {
    wake() {
      isWoken = true;
      if (isActive || stopping.signal.aborted) return;
      isActive = true;
      running = run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
