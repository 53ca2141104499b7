import { type ActionCatalogue, declaredEvent, type EventOf } from './actions.ts';
import { currentAuditContext } from './audit-context.ts';
import { confirmed } from './confirmed.ts';
import { newEventId } from './event-id.ts';
import type { EventInput } from './event-input.ts';
import { numberedSource, redactedEvent, tenantOf, toWireEvent, toWireText, withSource } from './event-mapper.ts';
import { textOf } from './error-fields.ts';
import { type Failure, type FailureReason, guardedHook, RecordError } from './failure.ts';
import { type DocketOptions, resolveOptions } from './options.ts';
import { createProgress, type FlushOutcome } from './progress.ts';
import { createSender } from './sender.ts';
import { type Draft, idOf, type Kept, tenantIdOf } from './spool/entry.ts';
import { createSlots } from './spool/slots.ts';
import { createSpool, type SpoolSize } from './spool/spool.ts';
import { watchForExit } from './watch-for-exit.ts';

/** `kept` says where the event is until it is in the log: on disk, or in memory because there is no disk, or it fails. */
export type RecordOutcome = { ok: true; id: string; kept: Kept } | ({ ok: false } & Failure);

/** Counts since the start, and what waits now: for the application's own metrics. */
export interface DocketStats {
  /** Events that the spool has taken. */
  recorded: number;
  /** Of these, and of what earlier processes left: in the log. */
  accepted: number;
  refused: number;
  /** Never kept: invalid, too large, spool full, closed. By reason. */
  rejected: Partial<Record<FailureReason, number>>;
  requests: number;
  /** Of these, those that have to be repeated. */
  requestsFailed: number;
  /** Times that the disk failed. */
  spoolFaults: number;
  queuedEvents: number;
  queuedBytes: number;
  /** The limit of queuedBytes: with more, `record` answers `spool_full`. */
  queuedBytesMax: number;
  /** Of queuedEvents: of tenants that are over their quota at the gateway. */
  heldEvents: number;
  /** Of queuedEvents: lost if the process dies. */
  queuedInMemory: number;
  /** Where the next event is kept. */
  keptOn: SpoolSize['kept'];
}

export interface Docket<Event = EventInput> {
  /**
   * Records an event. Resolves `{ ok: true, id, kept }` when it is on the spool, `{ ok: false, reason }` when it is not; never
   * throws, never rejects, never waits for the network. A background sender then delivers it, in the order of the calls
   * for each tenant and with the same id on every try, until it is in the log.
   *
   * `kept: 'disk'` survives SIGKILL of the process, and with `durability: 'power'` a power cut; the next process on the
   * folder sends it. An event that you may record more than once, such as in a job that is repeated, needs an `id` and `occurred_at` of its own: recorded again
   * with these and the same content it is in the log once, as long as the log knows it (README).
   */
  record(input: Event): Promise<RecordOutcome>;

  /**
   * Records an event and waits until it is in the log (the gateway's 202). Behind everything recorded before it.
   * Default deadline 10 s; `deadline`, `unavailable` and `misconfigured` mean that it is kept and may yet appear.
   */
  recordNow(input: Event, options?: { deadlineMs?: number }): Promise<RecordOutcome>;

  /** Waits until everything recorded before this call is settled (in the log, or refused). Default deadline 10 s. */
  flush(options?: { deadlineMs?: number }): Promise<FlushOutcome>;

  /**
   * Takes no more events, flushes, then stops and lets other processes have the spool. What is pending at the deadline (default
   * 10 s) stays on disk for the next process; in memory it is lost, which is reported. Idempotent.
   */
  close(options?: { deadlineMs?: number }): Promise<FlushOutcome>;

  stats(): DocketStats;
}

/** Long enough for a gateway that is restarting, short enough for a request or a shutdown that waits for it. */
const defaultDeadlineMs = 10_000;
/** Of a source: its texts are at most this long. */
const sourceBytesMax = 2048;

/** A recorder. Throws TypeError for options that can never work; after that nothing it does throws or rejects, unless it is `strict`. */
export function createDocket<C extends ActionCatalogue>(given: DocketOptions<C> & { actions: C }): Docket<EventOf<C>>;
export function createDocket(given: DocketOptions): Docket;
export function createDocket(given: DocketOptions): Docket {
  const options = resolveOptions(given);
  const progress = createProgress();
  const totals = { recorded: 0, accepted: 0, refused: 0, requests: 0, requestsFailed: 0, spoolFaults: 0 };
  const rejected: DocketStats['rejected'] = {};
  let closing: Promise<FlushOutcome> | undefined;

  const report = guardedHook('onFailure', options.onFailure);
  const tellSent = guardedHook('onSent', options.onSent);
  const spool = createSpool({
    slots:
      options.spool &&
      createSlots({
        ...options.spool,
        service: options.source.service,
        instance: options.instance,
        destination: options.transport.destination,
        onDamage: (detail) => report({ reason: 'spool_unavailable', detail }),
      }),
    bytesMax: options.spool?.bytesMax ?? 0,
    memory: options.memory,
    waitForRoomMs: options.waitForRoomMs,
    adoptIntervalMs: options.spool?.adoptIntervalMs,
    textOf({ body }, spoolId, counter) {
      const { source, instance } = options;
      return withSource(
        body,
        counter === undefined ? source : numberedSource({ ...source, instance }, spoolId, counter),
      );
    },
    onKeep: (tenantId) => progress.queued(tenantId),
    onUnread: () => progress.lost(),
    onFault(detail) {
      totals.spoolFaults += 1;
      report({ reason: 'spool_unavailable', detail });
    },
    onEntries: (isWaitedFor) => sender.wake(isWaitedFor),
  });
  const sender = createSender({
    spool,
    transport: options.transport,
    batch: options.batch,
    retry: options.retry,
    onSettled(entry, settlement) {
      if (entry.isOwn) progress.settled(tenantIdOf(entry));
      if (settlement.kind === 'accepted') totals.accepted += 1;
      else {
        totals.refused += 1;
        report({ reason: 'refused', detail: settlement.detail, id: idOf(entry) });
      }
    },
    onRequest(sent, entries, durationMs) {
      totals.requests += 1;
      if (sent.verdict === 'accepted') {
        const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
        tellSent({ events: entries.length, bytes, durationMs });
      } else if (sent.verdict !== 'refused') {
        totals.requestsFailed += 1;
        report({ reason: sent.verdict === 'retry' ? 'unavailable' : sent.verdict, detail: sent.detail });
      }
    },
  });
  const reportLost = (): void => {
    const { memoryEvents } = spool.size();
    if (memoryEvents > 0) report({ reason: 'lost', detail: `${memoryEvents} events are in memory only` });
  };
  const unwatch = watchForExit(reportLost);

  function draftOf(input: EventInput, onSettled: Draft['onSettled']): Draft | Failure {
    if (closing !== undefined) return { reason: 'closed', detail: 'the recorder is closed', id: input.id };
    const ambient = currentAuditContext();
    const nowMs = Date.now();
    if (options.isStrict && options.actions !== undefined && !Object.hasOwn(options.actions, input.action))
      return { reason: 'invalid', detail: `the catalogue has no action ${input.action}`, id: input.id };
    const declared = declaredEvent(options.actions, input);
    const newId = newEventId(nowMs);
    const mapped = toWireEvent(declared, ambient, {
      id: newId,
      nowMs,
      tenantId: tenantOf(input, ambient, options.tenantId),
    });
    if (!mapped.ok) return { reason: 'invalid', detail: mapped.detail, id: input.id };
    const { event } = mapped;
    const { id } = event;
    const body = toWireText(options.redact === undefined ? event : redactedEvent(event, options.redact));
    const bytes = Buffer.byteLength(body) + sourceBytesMax;
    // What waits is counted by what can be read again in the text.
    const tenantId = tenantIdOf({ text: body });
    // With an id of its own it may be a repetition, which has to be the same event wherever it is kept.
    const draft = { id, tenantId, body, bytes, isNumbered: id === newId, onSettled };
    if (bytes <= options.batch.bytesMax) return draft;
    spool.skip(draft);
    return { reason: 'too_large', detail: `${bytes} of at most ${options.batch.bytesMax} bytes`, id };
  }

  function guardedDraft(input: EventInput, onSettled: Draft['onSettled']): Draft | Failure {
    try {
      return draftOf(input, onSettled);
    } catch (error) {
      // What the application hands in may throw when it is read: a getter, a BigInt, a cycle, null.
      return { reason: 'invalid', detail: `not an event: ${textOf(error)}` };
    }
  }

  async function record(input: EventInput, onSettled?: Draft['onSettled']): Promise<RecordOutcome> {
    const draft = guardedDraft(input, onSettled);
    if ('reason' in draft) return failed(draft);
    const { id } = draft;
    const appended = await spool.append(draft);
    if (appended.ok) {
      totals.recorded += 1;
      return { ok: true, id, kept: appended.kept };
    }
    spool.skip(draft);
    return failed({ reason: 'spool_full', detail: appended.detail, id });
  }

  function failed(failure: Failure): RecordOutcome {
    rejected[failure.reason] = (rejected[failure.reason] ?? 0) + 1;
    report(failure);
    return { ok: false, ...failure };
  }

  const strictly = async (outcome: Promise<RecordOutcome>): Promise<RecordOutcome> => {
    const known = await outcome;
    if (!known.ok && options.isStrict) throw new RecordError(known);
    return known;
  };

  async function flush(deadlineMs: number): Promise<FlushOutcome> {
    await spool.written();
    return progress.reached(deadlineMs);
  }

  async function close(deadlineMs: number): Promise<FlushOutcome> {
    const outcome = await flush(deadlineMs);
    await sender.stop();
    await spool.close();
    await options.transport.close?.();
    reportLost();
    unwatch();
    return outcome;
  }

  return {
    record: (input) => strictly(record(input)),
    recordNow: (input, { deadlineMs = defaultDeadlineMs } = {}) =>
      strictly(confirmed((onSettled) => record(input, onSettled), deadlineMs)),
    flush: ({ deadlineMs = defaultDeadlineMs } = {}) => flush(deadlineMs),
    close: ({ deadlineMs = defaultDeadlineMs } = {}) => (closing ??= close(deadlineMs)),
    stats() {
      const { kept, events, bytes, bytesMax, heldEvents, memoryEvents } = spool.size();
      const queued = { queuedEvents: events, queuedBytes: bytes, queuedBytesMax: bytesMax, heldEvents };
      return { ...totals, rejected: { ...rejected }, ...queued, queuedInMemory: memoryEvents, keptOn: kept };
    },
  };
}
