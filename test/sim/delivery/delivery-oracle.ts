import { isAskedFor, parseParked, parseParkedKey } from '@docket/directory';
import type { ParkedEvent, Subscription } from '@docket/directory';
import { parseCursor, toldSeq } from '../../../services/delivery/src/cursors/cursor-mapper.ts';
import type { Cursor } from '../../../services/delivery/src/cursors/cursor-mapper.ts';
import type { Outcome } from '../../../services/delivery/src/machine/outcome-policy.ts';
import { isSameNotice } from '../../../services/delivery/src/notices/notice-mapper.ts';
import type { Notice } from '../../../services/delivery/src/notices/notice-mapper.ts';
import {
  gapsByTheQueries,
  receiveByTheDocs,
  rowsByTheDocs,
} from '../../../packages/testkit/src/receiver-by-the-docs.ts';
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
  /** In what it was taken. */
  readonly bodies: Body[];
  /** Its owner does without them, once they were parked. */
  readonly dismissed: Set<number>;
  /** `parked` was said of them in a batch that was taken. */
  readonly claimed: Set<number>;
  reachedSeq: number;
  /** Of a window several are under way at once, and arrive in any order: what was taken behind `reachedSeq`. */
  readonly isInOrder: boolean;
  readonly ahead: { readonly prev: number; readonly to: number }[];
  /** An order of the owner has let it go on behind this seq at most, and what may therefore come late. */
  skippableSeq: number;
  readonly late: Set<number>;
  /** Refused by themselves while the process that asked had evidence. */
  readonly proven: Set<number>;
  /** The greatest cursor that was ever written. */
  kept: { readonly reset: number; readonly seq: number };
  /** Notices of cursors that were kept; those with which an owner has begun; those that were told, with their events. */
  readonly keptNotices: Notice[];
  readonly promised: Promised[];
  readonly told: { readonly notice: Notice; readonly event: string }[];
  /** Processes that heard that something was taken, and nothing since but refusals of what is in a body. */
  readonly hasTaken: Set<number>;
}

interface Promised {
  readonly notice: Notice;
  readonly knownTo: Set<number>;
  /** Another owner, who knew nothing of it, has kept a farther cursor: what holds is what that one says. */
  isOvertaken: boolean;
}

/** Knows from the log and from what the receivers did what may be said, by definition and without the code that it judges (I6). */
export interface DeliveryOracle {
  /** A webhook-id arrived, of a subscription that has been changed and moved so often. */
  named(webhookId: string, edition: string): void;
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
  begins(process: number, subscriptionId: string, cursor: Cursor): void;
  /** A record is in the topic of the cursors. */
  written(record: TopicRecord): void;
  /** Something is parked that nobody has dismissed. */
  isListed(subscriptionId: string): boolean;
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
      bodies: [],
      claimed: new Set<number>(),
      dismissed: new Set<number>(),
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
    const isInOrder = subscription.mode?.type !== 'window';
    ledgers.set(subscription.id, {
      ...ledger,
      isInOrder,
      ahead: [],
      keptNotices: [],
      promised: [],
      told: [],
      proven: new Set(),
      hasTaken: new Set(),
    });
    parked.set(subscription.id, new Map());
  }
  const of = (id: string): Ledger => {
    const ledger = ledgers.get(id);
    if (ledger === undefined) throw new Violation(`${id} is no subscription`);
    return ledger;
  };
  const expired = new Map<string, number>();
  const editions = new Map<string, string>();
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
    if (prev > ledger.reachedSeq && ledger.isInOrder)
      throw new Violation(`I6: ${name} leaves out what is behind ${ledger.reachedSeq}`);
    for (const { seq, id } of events) {
      if (places[seq - 1]?.id !== id || !isWanted(ledger, seq)) throw new Violation(`I6: ${name} has another's ${seq}`);
      if (!seen.has(seq) && seq < ledger.highestSeen && !ledger.late.has(seq) && ledger.isInOrder)
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
    ledger.ahead.push({ prev, to });
    for (const next of ledger.ahead.toSorted((a, b) => a.prev - b.prev))
      if (next.prev <= ledger.reachedSeq) ledger.reachedSeq = Math.max(ledger.reachedSeq, next.to);
  }

  function promise({ promised }: Ledger, { untold }: Cursor, process: number): void {
    for (const notice of untold) {
      const known = promised.find((one) => isSameNotice(one.notice, notice));
      if (known === undefined) promised.push({ notice, knownTo: new Set([process]), isOvertaken: false });
      else known.knownTo.add(process);
    }
  }

  function checkCursor(id: string, value: Buffer, writer: number): void {
    const cursor = parseCursor(value);
    if (cursor === undefined) throw new Violation(`the cursor of ${id} cannot be read`);
    const ledger = of(id);
    if (!isFarther(ledger.kept, cursor)) {
      ledger.kept = cursor;
      for (const one of ledger.promised) one.isOvertaken ||= !one.knownTo.has(writer);
    }
    for (const notice of cursor.untold)
      if (!ledger.keptNotices.some((one) => isSameNotice(one, notice))) ledger.keptNotices.push(notice);
    for (let seq = ledger.subscription.start_after_seq + 1; seq <= cursor.seq; seq += 1) {
      if (!isWanted(ledger, seq) || ledger.taken.has(seq) || isExcused(ledger, seq)) continue;
      if (seq > toldSeq(cursor) || !ledger.claimed.has(seq))
        throw new Violation(`I6: the cursor of ${id} is at ${cursor.seq}, but ${seq} is not acknowledged`);
      if (parked.get(id)?.has(seq) !== true && !ledger.dismissed.has(seq))
        throw new Violation(`I6: the cursor of ${id} has passed ${seq}, which is parked nowhere`);
    }
  }

  return {
    named(webhookId, edition) {
      const known = editions.get(webhookId) ?? edition;
      if (known !== edition)
        throw new Violation(`${webhookId} is of ${known}, and names what is sent anew: who goes by it drops it`);
      editions.set(webhookId, edition);
    },
    arrived(id, body, isTaken) {
      const ledger = of(id);
      if (isStream(body)) checkStream(ledger, body, isTaken);
      if (!isTaken) return;
      ledger.bodies.push(body);
      for (const { seq } of body.data.events) ledger.taken.add(seq);
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
      const { keptNotices, told } = of(id);
      if (notice.sinceMs > notice.atMs) throw new Violation(`${id} is told of an outage to come`);
      if (!keptNotices.some((one) => isSameNotice(one, notice)))
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
    begins(process, id, cursor) {
      const { kept } = of(id);
      promise(of(id), cursor, process);
      if (isFarther(kept, cursor)) throw new Violation(`${id} begins at ${cursor.seq}, but ${kept.seq} was kept`);
    },
    written({ key, value, writer }) {
      const name = parseParkedKey(key);
      if (name === undefined) return value === null ? undefined : checkCursor(key, value, writer);
      const list = parked.get(name.subscriptionId);
      const one = value === null ? undefined : parseParked(value);
      if (one?.isDismissed === true) of(name.subscriptionId).dismissed.add(name.seq);
      if (one?.seq === name.seq) list?.set(name.seq, one);
      else list?.delete(name.seq);
    },
    isListed: (id) => [...(parked.get(id)?.values() ?? [])].some((one) => one.isDismissed !== true),
    isParked: (id) => [...(parked.get(id)?.values() ?? [])].some((one) => one.isDismissed !== true && !isAskedFor(one)),
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
          if (isWanted(ledger, seq) && !ledger.taken.has(seq) && !isExcused(ledger, seq) && !ledger.dismissed.has(seq))
            throw new Violation(`I6: ${ledger.subscription.id} is never sent ${seq}`);
        for (const { notice, isOvertaken } of ledger.promised)
          if (!isOvertaken && !ledger.told.some((one) => isSameNotice(one.notice, notice)))
            throw new Violation(`${ledger.subscription.id} is never told ${notice.kind} of ${notice.sinceMs}`);
        checkReceiver(ledger, (seq) => isWanted(ledger, seq));
        if ((parked.get(ledger.subscription.id)?.size ?? 0) > 0)
          throw new Violation(`${ledger.subscription.id} keeps parked what was taken, or dismissed`);
      }
    },
  };
}

/** Whoever goes by the docs alone has what was taken, and takes nothing for missing but what its owner has left out. */
function checkReceiver({ subscription: { id }, bodies, taken }: Ledger, isWanted: (seq: number) => boolean): void {
  const { events, gaps } = receiveByTheDocs(bodies);
  const lost = [...taken].filter((seq) => !events.some((event) => event.seq === seq));
  const { spl, esql } = gapsByTheQueries(rowsByTheDocs(bodies));
  const wrong = [...spl, ...esql].filter((seq) => taken.has(seq) || !isWanted(seq));
  if (gaps.length + lost.length + wrong.length === 0) return;
  throw new Violation(
    `a receiver of ${id} by the docs loses ${lost.join()}, and takes for missing ${gaps.join(' ')}; ${wrong.join()}`,
  );
}

const sumOf = (counts: Readonly<Record<string, number | undefined>>): number =>
  Object.values(counts).reduce((sum: number, count = 0) => sum + count, 0);

const isStream = ({ data }: Body): boolean => data.replay === undefined || data.replay === 'range';

function isFarther(one: Pick<Cursor, 'reset' | 'seq'>, other: Pick<Cursor, 'reset' | 'seq'>): boolean {
  return one.reset === other.reset ? one.seq > other.seq : one.reset > other.reset;
}
