import type { Cursor } from './cursor-mapper.ts';

/** What the owner of a subscription is told of it without asking: it has been failing for a while, it is suspended, it is taken again. */
export const noticeKinds = ['failing', 'suspended', 'recovered'] as const;
export type NoticeKind = (typeof noticeKinds)[number];

export interface Notice {
  readonly kind: NoticeKind;
  /** When the outage began, ms since the epoch. */
  readonly sinceMs: number;
  /** Of the outage, such as status_503. */
  readonly error: string;
  readonly atMs: number;
}

/**
 * A receiver that fails and recovers for ever, also one that fails on notices of other subscriptions, makes no more than one outage in this time known:
 * notices are events, and must not be what there is most of.
 */
export const noticeIntervalMs = 600_000;

/** I8: while Kafka is away for hours the oldest are forgotten. */
export const untoldMax = 8;

/** Decides whether a step of the machine is to be told of, from the cursor before and behind it. An outage is told of once, and its end if it was. */
export function noticeOf(before: Cursor, cursor: Cursor, noticeAfterMs: number, nowMs: number): Notice | undefined {
  const { state, noticed, noticedAtMs, failingSinceMs, lastError: error } = cursor;
  const about = { sinceMs: failingSinceMs ?? nowMs, error, atMs: nowMs };
  switch (state) {
    case 'suspended':
      return noticed === 'suspended' ? undefined : { kind: 'suspended', ...about };
    case 'failing': {
      const isKnown = noticed !== 'none' || nowMs - about.sinceMs < noticeAfterMs;
      const isTooSoon = noticedAtMs !== null && nowMs - noticedAtMs < noticeIntervalMs;
      return isKnown || isTooSoon ? undefined : { kind: 'failing', ...about };
    }
    case 'active': {
      // Only the receiver's word ends an outage: an owner who resumes hopes.
      const isTaken = cursor.toldAtMs !== before.toldAtMs;
      if (noticed === 'none' || !isTaken) return undefined;
      return { kind: 'recovered', sinceMs: before.failingSinceMs ?? nowMs, error: before.lastError, atMs: nowMs };
    }
  }
}

/** The cursor of an outage that is to be told of. */
export function noticedCursor(cursor: Cursor, notice: Notice): Cursor {
  const { kind, atMs } = notice;
  const untold = [...cursor.untold, notice].slice(-untoldMax);
  return { ...cursor, noticed: kind === 'recovered' ? 'none' : kind, noticedAtMs: atMs, untold };
}

export function isSameNotice(one: Notice, other: Notice): boolean {
  return one.kind === other.kind && one.sinceMs === other.sinceMs && one.atMs === other.atMs;
}
