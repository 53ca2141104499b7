import { setMaxListeners } from 'node:events';

import { partitionOf } from '@docket/event';
import type { ParkedEvent, Subscription } from '@docket/directory';
import type { Topology } from '@docket/kafka';
import type { Logger } from '@docket/runtime';

import { bytesOf, createBatchStore } from './batches/batch-store.ts';
import type { BatchStore } from './batches/batch-store.ts';
import { firstCursor, inGeneration } from './cursors/cursor-mapper.ts';
import type { Cursor } from './cursors/cursor-mapper.ts';
import { stepDelivery } from './machine/delivery-machine.ts';
import { initialState, windowBytesMax } from './machine/delivery-state.ts';
import type { DeliveryState, Effect, Input, ReadEffect, Resume } from './machine/delivery-state.ts';
import type { Cursors } from './cursors/kafka-cursors.ts';
import type { SourceRead } from './log/log-read-mapper.ts';
import type { LogSource } from './log/log-source.ts';
import type { DeliveryMetrics } from './metrics.ts';
import type { Notice } from './notices/notice-mapper.ts';
import type { Notices } from './notices/notices.ts';
import { poolOf } from './slots/pool-policy.ts';
import { isReplayed } from './log/replay-bounds.ts';
import type { BatchSender } from './receivers/send-batch.ts';
import type { Slots } from './slots/slot-policy.ts';
import { hostOf, wishOf } from './subscription-wish-mapper.ts';
import type { TailBuffer } from './log/tail-buffer.ts';
import { windowAnswer } from './batches/window-mapper.ts';

/** The machines of one assignment's subscriptions, and the shell that runs their effects. */
export interface SubscriptionTable {
  /** Adds, changes or, when `subscription` is undefined, removes. */
  set(id: string, subscription: Subscription | undefined): void;
  /** Records of a log came. */
  grew(log: string): void;
  /** An operator asks for a parked event, or an owner before has parked it. */
  parked(subscriptionId: string, parked: ParkedEvent): void;
  /** This cursor is in the topic. */
  kept(subscriptionId: string, cursor: Cursor): void;
  /** Takes up slots that are free now; asks for another turn when there may be more. */
  takeSlots(): void;
  /** Nothing new begins; what is under way ends by itself, and its acknowledgement still counts. */
  stop(): void;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
  /** Gives up what is under way. */
  abort(): void;
  countByPhase(): ReadonlyMap<string, number>;
  heldBytes(): number;
}

export interface SubscriptionTablePorts {
  readonly topology: Topology;
  readonly tails: ReadonlyMap<number, TailBuffer>;
  readonly source: LogSource;
  readonly sender: BatchSender;
  readonly cursors: Cursors;
  /** Shared by all assignments of the process: what an old one has under way still counts. */
  readonly slots: Slots;
  /** A slot was asked for or given back: whoever is current takes what is free, soon. */
  readonly onSlotFree: () => void;
  readonly proofIntervalMs: number;
  readonly suspendAfterMs: number;
  readonly noticeAfterMs: number;
  readonly notices: Notices;
  readonly logger: Logger;
  readonly metrics: DeliveryMetrics;
}

interface Row {
  subscription: Subscription;
  host: string;
  readonly partition: number;
  readonly tail: TailBuffer;
  state: DeliveryState;
  timer: NodeJS.Timeout | undefined;
  /** When it fires, as performance.now() tells. */
  firesAtMs: number;
  /** Of the last request: the next is likely as large. */
  sentBytes: number;
}

const withoutNone: ReadonlySet<number> = new Set();

/** Node takes a longer delay for none at all. A timer that fires before the time is set again. */
const timerMaxMs = 2 ** 31 - 1;

/** I8: batches that wait for their next try. */
const heldBytesMax = 64 * 1024 * 1024;

export function createSubscriptionTable(ports: SubscriptionTablePorts): SubscriptionTable {
  const { topology, cursors, slots, metrics } = ports;
  const rows = new Map<string, Row>();
  const byLog = new Map<string, Set<Row>>();
  const held: BatchStore = createBatchStore(heldBytesMax);
  const underWay = new Set<Promise<void>>();
  const aborting = new AbortController();
  // Each read that waits for ClickHouse or for a schema listens to it; slots bound them.
  setMaxListeners(0, aborting.signal);
  let isStopped = false;

  const dispatch = (row: Row, input: Input): void => {
    const { state, effects } = stepDelivery(row.state, input, Date.now());
    row.state = state;
    for (const effect of effects) run(row, effect);
  };

  const release = (id: string): void => {
    held.setUnderWay(id, false);
    slots.release(id);
    ports.onSlotFree();
  };

  const run = (row: Row, effect: Effect): void => {
    const { id } = row.subscription;
    // Of a row that has ended, only what is true for ever still counts; of one that was removed, nothing is kept.
    const isRemoved = rows.get(id) !== row;
    const isOver = isStopped || isRemoved;
    switch (effect.type) {
      case 'ask':
        if (isOver) return;
        slots.ask({
          id,
          tenantId: row.subscription.tenant_id,
          host: row.host,
          pool: poolOf(row.state, row.subscription.tenant_id, row.tail),
          costBytes: costOf(row),
          bytesMax: bytesMaxOf(row.state),
          leastBytes: row.state.bytesMax,
        });
        return ports.onSlotFree();
      case 'cancel':
        return slots.cancel(id);
      case 'release':
        return release(id);
      case 'read':
        return isOver ? release(id) : track(read(row, effect));
      case 'locate':
        return isOver ? release(id) : track(locate(row, effect.resume));
      case 'read_parked':
        return isOver ? release(id) : track(readParked(row, effect.parked));
      case 'send':
        return isOver ? release(id) : track(send(row, effect.tryNumber));
      case 'wake':
        return isOver ? clearTimeout(row.timer) : wake(row, effect.atMs);
      case 'keep_parked':
        return isRemoved ? undefined : cursors.keepParked(row.subscription, effect.parked);
      case 'forget_parked':
        return isRemoved ? undefined : cursors.forgetParked(row.subscription, effect.seq);
      case 'tell':
        return ports.notices.tell(row.subscription, effect.notice, () => wasTold(row, effect.notice));
      case 'save':
        return isRemoved ? undefined : cursors.save(row.subscription, row.state.cursor, effect.isUrgent);
    }
  };

  /** A timer that fires before is left as it is, and set again when it does: after each delivery the time of the next proof is put off. */
  const wake = (row: Row, atMs: number): void => {
    const delayMs = Math.min(timerMaxMs, Math.max(0, atMs - Date.now()));
    // Not by the clock that says the time: it may be set forward, and timers do not follow it.
    const firesAtMs = performance.now() + delayMs;
    if (row.timer !== undefined && row.firesAtMs <= firesAtMs) return;
    clearTimeout(row.timer);
    row.firesAtMs = firesAtMs;
    row.timer = setTimeout(() => {
      row.timer = undefined;
      dispatch(row, { type: 'due' });
    }, delayMs);
  };

  const wasTold = (row: Row, notice: Notice): void => {
    if (!isStopped && rows.get(row.subscription.id) === row) dispatch(row, { type: 'told', notice });
  };

  const read = async (row: Row, effect: ReadEffect): Promise<void> => {
    const { subscription, partition, tail, state } = row;
    const { toSeq, bytesMax, eventsMax, batchesMax, without, isProbe, isProofDue } = effect;
    const [kept] = held.get(subscription.id) ?? [];
    if (toSeq !== null && kept?.place.toSeq === toSeq) {
      held.setUnderWay(subscription.id, true);
      metrics.reads.inc({ source: 'held', result: 'batch' });
      return dispatch(row, { type: 'read', result: { kind: 'batch', ...kept.place }, jitter: Math.random() });
    }
    const request = {
      subscription,
      partition,
      tail,
      cursor: state.cursor,
      signal: aborting.signal,
      toSeq,
      bytesMax,
      eventsMax,
      batchesMax,
      without: without.length === 0 ? withoutNone : new Set(without),
      isProbe,
      isProofDue,
    };
    wasRead(row, await ports.source.read(request));
  };

  const locate = async (row: Row, resume: Resume): Promise<void> => {
    const { subscription } = row;
    wasRead(row, await ports.source.locate({ subscription, resume, signal: aborting.signal }));
  };

  const readParked = async (row: Row, parked: ParkedEvent): Promise<void> => {
    const { subscription } = row;
    wasRead(row, await ports.source.readParked({ subscription, parked, signal: aborting.signal }));
  };

  const wasRead = (row: Row, { source, result, batch, following = [] }: SourceRead): void => {
    const { subscription } = row;
    metrics.reads.inc({ source, result: result.kind });
    if (result.kind === 'renumbered') tellRenumbered(row, result.seq);
    if (batch !== undefined && (result.kind === 'batch' || result.kind === 'proof'))
      held.put(subscription.id, [{ batch, place: result }, ...following]);
    dispatch(row, { type: 'read', result, jitter: Math.random() });
    // What is not sent is not kept.
    if (row.state.phase.name !== 'sending') held.delete(subscription.id);
  };

  /** It cannot be set right in silence: the receiver has seqs that the log has given to others. */
  const tellRenumbered = ({ subscription, state }: Row, logSeq: number): void => {
    const { id, tenant_id: tenantId } = subscription;
    metrics.cursorsRenumbered.inc();
    const line = { subscription_id: id, tenant_id: tenantId, cursor_seq: state.cursor.seq, log_seq: logSeq };
    ports.logger.error(line, 'cursor.renumbered');
  };

  const send = async (row: Row, tryNumber: number): Promise<void> => {
    const { subscription } = row;
    const batches = held.get(subscription.id);
    if (batches === undefined) throw new Error(`the batch of ${subscription.id} that is to be sent is not there`);
    row.sentBytes = bytesOf(batches);
    slots.sent(subscription.id, Date.now(), row.sentBytes);
    const answers = await Promise.all(
      batches.map(({ batch }, index) =>
        ports.sender.send(subscription, batch, index === 0 ? tryNumber : 1, aborting.signal),
      ),
    );
    const { acknowledged, sent } = windowAnswer(answers);
    // Whatever was asked while it was under way: what the receiver acknowledged, it has.
    if (sent.outcome.kind === 'delivered') held.delete(subscription.id);
    else {
      slots.failed(subscription.id);
      held.put(subscription.id, batches.slice(acknowledged, acknowledged + 1));
    }
    dispatch(row, { type: 'answered', ...sent, acknowledged, jitter: Math.random() });
    // Only what is tried again as it is, is kept.
    if (row.state.trying === null && row.state.phase.name !== 'sending') held.delete(subscription.id);
  };

  const track = (work: Promise<void>): void => {
    const tracked = work.finally(() => underWay.delete(tracked));
    underWay.add(tracked);
  };

  const takeSlots = (): void => {
    if (isStopped) return;
    const granted = slots.grant(Date.now());
    for (const { id, isNarrow } of granted) {
      if (isNarrow) metrics.windowsNarrowed.inc();
      const row = rows.get(id);
      if (row === undefined) slots.release(id);
      else dispatch(row, { type: 'slot', isNarrow });
    }
    if (granted.length > 0) ports.onSlotFree();
  };

  const add = (subscription: Subscription): void => {
    const { id, tenant_id: log } = subscription;
    const partition = partitionOf(log, topology.partitions);
    const tail = ports.tails.get(partition);
    // Another instance's partition.
    if (tail === undefined) return;
    const cursor = cursors.get(id) ?? firstCursor(subscription.start_after_seq, topology.generation);
    const parked = cursors.parkedOf(id);
    if (isReplayed(subscription, cursor.seq) && parked.length === 0) return;
    tail.watch(log);
    const wish = wishOf(subscription, ports);
    const state = initialState(inGeneration(cursor, topology.generation), wish, parked, topology.generation);
    const host = hostOf(subscription);
    const row: Row = { subscription, host, partition, tail, state, timer: undefined, firesAtMs: 0, sentBytes: 0 };
    rows.set(id, row);
    const siblings = byLog.get(log) ?? new Set();
    byLog.set(log, siblings.add(row));
    dispatch(row, { type: 'began' });
  };

  const remove = (row: Row): void => {
    const { id, tenant_id: log } = row.subscription;
    clearTimeout(row.timer);
    rows.delete(id);
    held.delete(id);
    slots.cancel(id);
    const siblings = byLog.get(log);
    siblings?.delete(row);
    if (siblings?.size === 0) {
      byLog.delete(log);
      row.tail.unwatch(log);
    }
  };

  return {
    set: (id, subscription) => {
      const row = rows.get(id);
      // Also behind the end: an answer that is still to come must not write of it again.
      if (subscription === undefined) return row === undefined ? undefined : remove(row);
      if (isStopped) return;
      if (row === undefined) return add(subscription);
      row.subscription = subscription;
      row.host = hostOf(subscription);
      dispatch(row, { type: 'changed', ...wishOf(subscription, ports) });
    },
    grew: (log) => {
      for (const row of byLog.get(log) ?? []) dispatch(row, { type: 'grew' });
    },
    parked: (id, parked) => {
      const row = rows.get(id);
      if (row !== undefined && !isStopped) dispatch(row, { type: 'parked', parked });
    },
    kept: (id, { untold }) => {
      const row = rows.get(id);
      if (row !== undefined && !isStopped && untold.length > 0) dispatch(row, { type: 'kept', untold });
    },
    takeSlots,
    stop: () => {
      isStopped = true;
      for (const [id, row] of rows) {
        clearTimeout(row.timer);
        slots.cancel(id);
      }
    },
    settled: async () => {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
    abort: () => aborting.abort(),
    countByPhase: () => {
      const counts = new Map<string, number>();
      for (const { state } of rows.values()) {
        const name = state.isPaused ? 'paused' : state.phase.name;
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
      return counts;
    },
    heldBytes: () => held.bytes(),
  };
}

/** What any request takes, in the bytes of a body that take as much of the processor. */
const requestCostBytes = 16 * 1024;

function bytesMaxOf({ window, bytesMax }: DeliveryState): number {
  return Math.max(bytesMax, Math.min(window * bytesMax, windowBytesMax));
}

function costOf({ sentBytes }: Row): number {
  return requestCostBytes + sentBytes;
}
