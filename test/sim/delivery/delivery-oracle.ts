import { isAskedFor, parseParked, parseParkedKey } from '@docket/directory';
import type { ParkedEvent, Subscription } from '@docket/directory';
import { parseCursor, toldSeq } from '../../../services/delivery/src/cursor-mapper.ts';
import type { Cursor } from '../../../services/delivery/src/cursor-mapper.ts';
import type { Outcome } from '../../../services/delivery/src/outcome-policy.ts';
import { isSameNotice } from '../../../services/delivery/src/notice-policy.ts';
import type { Notice } from '../../../services/delivery/src/notice-policy.ts';
import { Violation } from '../oracle.ts';
import type { Body } from './model-receiver.ts';
import type { LogPlace, Meaning } from './sample-logs.ts';

/** A record of the compacted topic; who wrote it. */
export interface TopicRecord {
  readonly key: string;
  readonly value: Buffer | null;
  readonly writer: number;
}

/** What one receiver has seen, and may therefore be told. */
interface Ledger {
  readonly subscription: Subscription;
  /** By seq − 1. */
  readonly places: readonly LogPlace[];
  readonly seen: Set<number>;
  highestSeen: number;
  /** Taken, in the stream or aside. */
  readonly taken: Set<number>;
  /** `parked` was said of them in a batch that was taken. */
  readonly claimed: Set<number>;
  reachedSeq: number;
  /** An order of the owner has let it go on behind this seq at most, and what may therefore come late. */
  skippableSeq: number;
  readonly late: Set<number>;
  /** Refused by themselves while the process that asked had evidence. */
  readonly proven: Set<number>;
  /** The greatest cursor that was ever written. */
  kept: { readonly reset: number; readonly seq: number };
  /** Notices of cursors that were kept, and those of them that were told, with their events. */
  readonly promised: Notice[];
  readonly told: { readonly notice: Notice; readonly event: string }[];
  /** Processes that heard that something was taken, and nothing since but refusals of what is in a body. */
  readonly hasTaken: Set<number>;
}

/** Knows from the log and from what the receivers did what may be said, by definition and without the code that it judges (I6). */
export interface DeliveryOracle {
  /** A request arrived, and was taken or not. */
  arrived(subscriptionId: string, body: Body, isTaken: boolean): void;
  /** A process was told what its request came to. */
  answered(process: number, subscriptionId: string, body: Body, outcome: Outcome): void;
  forgotten(process: number): void;
  /** Kafka has the event of a notice. */
  told(subscriptionId: string, notice: Notice, event: string): void;
  /** A log has stood at this seq at a time from which an owner wants to go on. */
  located(tenantId: string, seq: number): void;
  /** Retention has cut a log up to this seq. */
  expired(tenantId: string, seq: number): void;
  /** An owner of the partition begins there. */
  begins(subscriptionId: string, cursor: Cursor): void;
  /** A record is in the topic of the cursors. */
  written(record: TopicRecord): void;
  /** Something is parked that nobody has asked for. */
  isParked(subscriptionId: string): boolean;
  /** Nothing goes wrong any more and nothing is left to do. */
  checkDone(appended: number): void;
}

export function createDeliveryOracle(
  log: readonly LogPlace[],
  subscriptions: readonly Subscription[],
  wantedOf: (subscription: Subscription) => (meaning: Meaning) => boolean,
): DeliveryOracle {
  const ledgers = new Map<string, Ledger>();
  const parked = new Map<string, Map<number, ParkedEvent>>();
  for (const subscription of subscriptions) {
    const places = log.filter(({ tenantId }) => tenantId === subscription.tenant_id);
    const sets = {
      seen: new Set<number>(),
      taken: new Set<number>(),
      claimed: new Set<number>(),
      late: new Set<number>(),
    };
    const seq = subscription.start_after_seq;
    const ledger = {
      subscription,
      places,
      ...sets,
      highestSeen: 0,
      reachedSeq: seq,
      skippableSeq: 0,
      kept: { reset: 0, seq },
    };
    ledgers.set(subscription.id, { ...ledger, promised: [], told: [], proven: new Set(), hasTaken: new Set() });
    parked.set(subscription.id, new Map());
  }
  const of = (id: string): Ledger => {
    const ledger = ledgers.get(id);
    if (ledger === undefined) throw new Violation(`${id} is no subscription`);
    return ledger;
  };
  const expired = new Map<string, number>();
  /** Its owner has left it out, or retention has cut it, before it was sent. */
  const isExcused = ({ subscription, skippableSeq }: Ledger, seq: number): boolean =>
    seq <= skippableSeq || seq <= (expired.get(subscription.tenant_id) ?? 0);
  const isWanted = ({ subscription, places }: Ledger, seq: number): boolean => {
    const meaning = places[seq - 1]?.meaning;
    return meaning !== undefined && meaning !== 'unreadable' && wantedOf(subscription)(meaning);
  };

  function checkStream(ledger: Ledger, body: Body, isTaken: boolean): void {
    const { subscription, places, seen } = ledger;
    const { batch, events } = body.data;
    const { prev_to_seq: prev, from_seq: from, to_seq: to, count, skipped } = batch;
    const name = `${subscription.id}, ${prev}..${to}`;
    const expected = { filtered: 0, quarantined: 0, parked: 0 };
    const there = new Set(events.map(({ seq }) => seq));
    let [excused, lastSeq] = [0, subscription.replay?.to_seq ?? Number.POSITIVE_INFINITY];
    if (to > lastSeq) throw new Violation(`${name} goes beyond the end of its range`);
    for (let seq = prev + 1; seq <= to; seq += 1) {
      if (there.has(seq)) continue;
      if (isExcused(ledger, seq)) excused += 1;
      if (places[seq - 1]?.meaning === 'unreadable') expected.quarantined += 1;
      else if (isWanted(ledger, seq)) expected.parked += 1;
      else expected.filtered += 1;
    }
    const sum = Object.values(skipped).reduce((total, value) => total + value, 0);
    if (from !== prev + 1 || count !== events.length || count + sum !== to - prev)
      throw new Violation(`I6: ${name} does not account for its range`);
    const {
      filtered = 0,
      quarantined = 0,
      parked: passed = 0,
      expired: cut = 0,
      operator_skipped: leftOut = 0,
    } = skipped;
    const said = { filtered, quarantined, parked: passed };
    const isOver = filtered > expected.filtered || quarantined > expected.quarantined || passed > expected.parked;
    // What was left out or cut is told as such, and as nothing else.
    if (isOver || cut + leftOut > excused || sumOf(expected) - sumOf(said) !== cut + leftOut)
      throw new Violation(`I6: ${name} says ${JSON.stringify(said)}, must say ${JSON.stringify(expected)}`);
    if (prev > ledger.reachedSeq) throw new Violation(`I6: ${name} leaves out what is behind ${ledger.reachedSeq}`);
    for (const { seq, id } of events) {
      if (places[seq - 1]?.id !== id || !isWanted(ledger, seq)) throw new Violation(`I6: ${name} has another's ${seq}`);
      if (!seen.has(seq) && seq < ledger.highestSeen && !ledger.late.has(seq))
        throw new Violation(`I6: ${name} brings ${seq} late`);
      seen.add(seq);
      ledger.highestSeen = Math.max(ledger.highestSeen, seq);
    }
    if (!isTaken) return;
    for (let seq = prev + 1; seq <= to; seq += 1) {
      if (there.has(seq) || !isWanted(ledger, seq) || isExcused(ledger, seq)) continue;
      if (!ledger.proven.has(seq)) throw new Violation(`${name} says parked of ${seq} without evidence`);
      ledger.claimed.add(seq);
    }
    ledger.reachedSeq = Math.max(ledger.reachedSeq, to);
  }

  function checkCursor(id: string, value: Buffer): void {
    const cursor = parseCursor(value);
    if (cursor === undefined) throw new Violation(`the cursor of ${id} cannot be read`);
    const ledger = of(id);
    if (isFarther(cursor, ledger.kept)) ledger.kept = cursor;
    for (const notice of cursor.untold)
      if (!ledger.promised.some((one) => isSameNotice(one, notice))) ledger.promised.push(notice);
    for (let seq = ledger.subscription.start_after_seq + 1; seq <= cursor.seq; seq += 1) {
      if (!isWanted(ledger, seq) || ledger.taken.has(seq) || isExcused(ledger, seq)) continue;
      if (seq > toldSeq(cursor) || !ledger.claimed.has(seq))
        throw new Violation(`I6: the cursor of ${id} is at ${cursor.seq}, but ${seq} is not acknowledged`);
      if (parked.get(id)?.has(seq) !== true)
        throw new Violation(`I6: the cursor of ${id} has passed ${seq}, which is parked nowhere`);
    }
  }

  return {
    arrived(id, body, isTaken) {
      const ledger = of(id);
      if (isStream(body)) checkStream(ledger, body, isTaken);
      if (isTaken) for (const { seq } of body.data.events) ledger.taken.add(seq);
    },
    answered(process, id, body, outcome) {
      const { hasTaken, proven } = of(id);
      const { events, replay } = body.data;
      const isInOrder = isStream(body);
      const isRefusal = outcome.kind === 'reject_event' || outcome.kind === 'split';
      const [only] = events;
      if (isRefusal && isInOrder && events.length === 1 && only !== undefined && hasTaken.has(process))
        proven.add(only.seq);
      if (outcome.kind === 'delivered' && events.length > 0) hasTaken.add(process);
      // What happens to a parked event says nothing about the stream.
      else if (!isRefusal && replay !== 'parked') hasTaken.delete(process);
    },
    forgotten(process) {
      for (const { hasTaken } of ledgers.values()) hasTaken.delete(process);
    },
    told(id, notice, event) {
      const { promised, told } = of(id);
      if (notice.sinceMs > notice.atMs) throw new Violation(`${id} is told of an outage to come`);
      if (!promised.some((one) => isSameNotice(one, notice)))
        throw new Violation(
          `${id} is told ${notice.kind} of which nothing is kept: after a crash it would be told otherwise`,
        );
      const before = told.find((one) => isSameNotice(one.notice, notice));
      if (before !== undefined && before.event !== event)
        throw new Violation(`${id} is told ${notice.kind} in two ways`);
      told.push({ notice, event });
    },
    located(tenantId, seq) {
      for (const ledger of ledgers.values()) {
        if (ledger.subscription.tenant_id !== tenantId) continue;
        ledger.skippableSeq = Math.max(ledger.skippableSeq, seq);
        for (let late = 1; late < Math.max(seq + 1, ledger.highestSeen); late += 1)
          if (!ledger.seen.has(late)) ledger.late.add(late);
      }
    },
    expired: (tenantId, seq) => void expired.set(tenantId, Math.max(expired.get(tenantId) ?? 0, seq)),
    begins(id, cursor) {
      const { kept } = of(id);
      if (isFarther(kept, cursor)) throw new Violation(`${id} begins at ${cursor.seq}, but ${kept.seq} was kept`);
    },
    written({ key, value }) {
      const name = parseParkedKey(key);
      if (name === undefined) return value === null ? undefined : checkCursor(key, value);
      const list = parked.get(name.subscriptionId);
      const one = value === null ? undefined : parseParked(value);
      if (one?.seq === name.seq) list?.set(name.seq, one);
      else list?.delete(name.seq);
    },
    isParked: (id) => [...(parked.get(id)?.values() ?? [])].some((one) => !isAskedFor(one)),
    checkDone(appended) {
      for (const ledger of ledgers.values()) {
        const { tenant_id: tenant, start_after_seq: after, replay } = ledger.subscription;
        const head = log.slice(0, appended).filter(({ tenantId }) => tenantId === tenant).length;
        const last = Math.min(head, replay?.to_seq ?? head);
        if (replay !== undefined && last === replay.to_seq && ledger.reachedSeq < last)
          throw new Violation(
            `${ledger.subscription.id} does not account for its range: it ends at ${ledger.reachedSeq}`,
          );
        for (let seq = after + 1; seq <= last; seq += 1)
          if (isWanted(ledger, seq) && !ledger.taken.has(seq) && !isExcused(ledger, seq))
            throw new Violation(`I6: ${ledger.subscription.id} is never sent ${seq}`);
        for (const notice of ledger.promised)
          if (!ledger.told.some((one) => isSameNotice(one.notice, notice)))
            throw new Violation(`${ledger.subscription.id} is never told ${notice.kind} of ${notice.sinceMs}`);
        if ((parked.get(ledger.subscription.id)?.size ?? 0) > 0)
          throw new Violation(`${ledger.subscription.id} keeps parked what was taken`);
      }
    },
  };
}

const sumOf = (counts: Readonly<Record<string, number | undefined>>): number =>
  Object.values(counts).reduce((sum: number, count = 0) => sum + count, 0);

const isStream = ({ data }: Body): boolean => data.replay === undefined || data.replay === 'range';

function isFarther(one: Pick<Cursor, 'reset' | 'seq'>, other: Pick<Cursor, 'reset' | 'seq'>): boolean {
  return one.reset === other.reset ? one.seq > other.seq : one.reset > other.reset;
}
