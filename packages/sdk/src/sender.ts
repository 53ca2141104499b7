import { setTimeout as sleep } from 'node:timers/promises';
import { createRefusalSearch, type Row } from './refusal-search.ts';
import { retryDelayMs, type RetryLimits } from './retry-policy.ts';
import { type BatchLimits, countBeforeRepetition, type Entry, type Settlement, tenantIdOf } from './spool/entry.ts';
import type { Held } from './spool/segment.ts';
import type { Batch, Spool } from './spool/spool.ts';
import { createTenantWaits } from './tenant-waits.ts';
import type { Sent, Transport } from './transport.ts';

export interface SenderOptions {
  spool: Pick<Spool, 'peek' | 'peekHeld' | 'heldTenants'>;
  transport: Transport;
  batch: BatchLimits;
  retry: RetryLimits;
  onSettled(entry: Entry, settlement: Settlement): void;
  /** A request was answered, or not. */
  onRequest(sent: Sent, entries: readonly Entry[], durationMs: number): void;
}

export interface Sender {
  /** Starts sending, if nothing is under way; `isUrgent`: somebody waits for the answer, so nothing is gathered first. */
  wake(isUrgent?: boolean): void;
  /** Ends at once: the request under way is aborted, what waits stays where it is. */
  stop(): Promise<void>;
}

/** What is sent next, and in which row it was. */
interface Taken {
  readonly batch: Batch;
  readonly row: Row;
  /** It could have had so many events. */
  readonly eventsMax: number;
}

/**
 * From the begin of one request to the next, unless there is a whole batch: a request for each event costs the application more than recording it does.
 * The first event after a pause is sent at once. A request takes longer the busier the application is, because each step of it waits for a turn: then
 * there are fewer of them.
 */
const gather = { leastMs: 50, mostMs: 250, ofRequest: 5 };

/** How long to wait after a request that took so long. */
function gatherMs(tookMs: number): number {
  return Math.min(gather.mostMs, Math.max(gather.leastMs, tookMs * gather.ofRequest)) - tookMs;
}

/** So often, and slowly, an event is tried again that a passing fault of something in between may have refused. */
const doubtsMax = 2;

/**
 * Sends the spool in order, one request at a time, so that the events of a tenant reach the log in the order of their
 * `record` calls. Repeats a request without limit, with the same ids: the spool's bounds are the limit, not a timer. A tenant of whom the receiver takes no
 * more for now is held back, with all that comes after, while the others go on (I7).
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
  let search = createRefusalSearch(fullBatch);
  let failures = 0;
  const waits = createTenantWaits();
  let isHeldsTurn = false;
  let endPause: ((isUrgent: boolean) => void) | undefined;

  async function run(): Promise<void> {
    try {
      // Once more when something came while `sendAll` was returning: its `wake` found a sender under way.
      while (isWoken && !stopping.signal.aborted) {
        isWoken = false;
        search = createRefusalSearch(fullBatch);
        failures = 0;
        await sendAll();
      }
    } finally {
      isActive = false;
    }
  }

  async function sendAll(): Promise<void> {
    while (!stopping.signal.aborted) {
      const taken = await takeBatch();
      if (stopping.signal.aborted) return;
      if (taken !== undefined) await sendBatch(taken);
      else {
        const waitMs = waits.shortestMs(options.spool.heldTenants(), performance.now());
        if (waitMs === undefined) return;
        await pause(waitMs, { endedBy: 'new' });
      }
    }
  }

  /** In turn what was held back and may go now, and what nobody has seen yet: neither keeps the other waiting. */
  async function takeBatch(): Promise<Taken | undefined> {
    isHeldsTurn = !isHeldsTurn;
    for (const ofHeld of [isHeldsTurn, !isHeldsTurn]) {
      const row = ofHeld ? waits.next(options.spool.heldTenants(), performance.now()) : undefined;
      if (ofHeld && row === undefined) continue;
      const taken = await takeFrom(row);
      if (taken !== undefined) return taken;
    }
    return undefined;
  }

  /** Ends before an event that an application records once more: of two with one id in a request the receiver refuses the second. */
  async function takeFrom(row: Row): Promise<Taken | undefined> {
    const { spool } = options;
    let eventsMax = search.eventsMax(row);
    for (;;) {
      const limits = { eventsMax, bytesMax };
      const batch = await (row === undefined ? spool.peek(limits) : spool.peekHeld(row, limits));
      if (batch === undefined) return undefined;
      const count = countBeforeRepetition(batch.entries);
      if (count === batch.entries.length) return { batch, row, eventsMax };
      eventsMax = count;
    }
  }

  async function sendBatch({ batch, row, eventsMax }: Taken): Promise<void> {
    const held = row === undefined ? heldOf(batch.entries) : [];
    const heldPlaces = new Set(held.map(({ place }) => place));
    const entries = held.length === 0 ? batch.entries : batch.entries.filter(({ place }) => !heldPlaces.has(place));
    if (entries.length === 0) return settle(batch, { entries, held }, () => ({ kind: 'accepted' }));
    const beganAtMs = performance.now();
    const texts = entries.map((entry) => entry.text);
    const sent = await options.transport.send(texts, stopping.signal);
    // The abort made this answer: it says nothing about the receiver.
    if (stopping.signal.aborted && sent.verdict !== 'accepted') return;
    options.onRequest(sent, entries, performance.now() - beganAtMs);
    if (sent.verdict === 'accepted') {
      const refusals = new Map(sent.putAside.map(({ index, detail }) => [index, detail]));
      await settle(batch, { entries, held }, (index) => {
        const detail = refusals.get(index);
        return detail === undefined ? { kind: 'accepted' } : { kind: 'refused', detail };
      });
      search.taken(row, entries);
      noteSettled(row);
      const sentBytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
      const isBacklog = batch.entries.length >= eventsMax || sentBytes >= bytesMax / 2;
      failures = 0;
      if (!isBacklog) await pause(gatherMs(performance.now() - beganAtMs), { isWaitedFor: true, endedBy: 'urgent' });
    } else if (sent.verdict === 'refused') {
      // Halve until the refused event is alone: its neighbours are not to blame.
      failures = 0;
      const [alone] = entries.length === 1 ? entries : [];
      const doubts = alone !== undefined && sent.isUnsigned === true ? search.doubt(row, alone) : 0;
      if (alone === undefined) search.halve(row, entries.length);
      else if (doubts > 0 && doubts <= doubtsMax) await doubtLonger(row, doubts, sent.detail);
      else {
        await settle(batch, { entries, held }, () => ({ kind: 'refused', detail: sent.detail }));
        search.found(row);
        noteSettled(row);
      }
    } else if (sent.verdict === 'retry' && sent.tenantsOf !== undefined) {
      failures = 0;
      holdBack(entries, sent, sent.tenantsOf);
    } else {
      failures += 1;
      if (sent.verdict === 'misconfigured')
        for (const entry of entries) batch.listenerOf(entry)?.({ kind: sent.verdict, detail: sent.detail });
      await pause(retryDelayMs(failures, sent, options.retry, Math.random()));
    }
  }

  /** Of a batch, the events of tenants of whom earlier ones wait, or who have to wait themselves: each tenant's events go in their order. */
  function heldOf(entries: readonly Entry[]): Held[] {
    const nowMs = performance.now();
    const tenants = options.spool.heldTenants();
    if (tenants.size === 0 && waits.isIdle()) return [];
    return entries.flatMap((entry) => {
      const tenantId = tenantIdOf(entry);
      return tenants.has(tenantId) || waits.isWaiting(tenantId, nowMs) ? [{ ...entry, tenantId }] : [];
    });
  }

  /** I7: whoever has used up his quota waits for himself. */
  function holdBack(
    entries: readonly Entry[],
    sent: Extract<Sent, { verdict: 'retry' }>,
    indexes: readonly number[],
  ): void {
    const tenantIds = indexes.flatMap((index) => (entries[index] === undefined ? [] : [tenantIdOf(entries[index])]));
    for (const tenantId of new Set(tenantIds)) {
      const delayMs = retryDelayMs(waits.refused(tenantId), sent, options.retry, Math.random());
      waits.wait(tenantId, performance.now() + Math.max(delayMs, gather.leastMs));
    }
  }

  /** I7: also whose event is doubted waits for himself, once he is held back. */
  async function doubtLonger(row: Row, doubts: number, detail: string): Promise<void> {
    const delayMs = retryDelayMs(doubts, { verdict: 'misconfigured', detail }, options.retry, Math.random());
    if (row === undefined) await pause(delayMs);
    else waits.wait(row, performance.now() + delayMs);
  }

  function noteSettled(row: Row): void {
    if (row === undefined) return;
    if (options.spool.heldTenants().has(row)) waits.taken(row, performance.now());
    else {
      waits.forget(row);
      search.forget(row);
    }
  }

  async function settle(
    batch: Batch,
    { entries, held }: { entries: readonly Entry[]; held: readonly Held[] },
    settlementOf: (index: number) => Settlement,
  ): Promise<void> {
    const told = entries.map((entry, index) => {
      return { entry, listener: batch.listenerOf(entry), settlement: settlementOf(index) };
    });
    await batch.drop(held);
    for (const { entry, listener, settlement } of told) {
      options.onSettled(entry, settlement);
      listener?.(settlement);
    }
  }

  /**
   * @param isWaitedFor a process that has nothing else to do ends after the pause, not in it
   * @param endedBy what need not wait for it: anything new, or only what somebody waits for
   */
  async function pause(
    ms: number,
    { isWaitedFor = false, endedBy }: { isWaitedFor?: boolean; endedBy?: 'new' | 'urgent' } = {},
  ): Promise<void> {
    if (ms <= 0) return;
    const ending = new AbortController();
    const end = (): void => ending.abort();
    stopping.signal.addEventListener('abort', end, { once: true });
    endPause = (isUrgent) => (endedBy === 'new' || (endedBy === 'urgent' && isUrgent) ? end() : undefined);
    try {
      if (!stopping.signal.aborted) await sleep(ms, undefined, { signal: ending.signal, ref: isWaitedFor });
    } catch {
      // Ended: the loop sees why.
    } finally {
      endPause = undefined;
      stopping.signal.removeEventListener('abort', end);
    }
  }

  return {
    wake(isUrgent = false) {
      isWoken = true;
      endPause?.(isUrgent);
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
