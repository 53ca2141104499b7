import type { Cursor } from '../cursors/cursor-mapper.ts';
import { untoldMax } from './notice-mapper.ts';
import type { Notice } from './notice-mapper.ts';

/**
 * A receiver that fails and recovers for ever, also one that fails on notices of other subscriptions, makes no more than one outage in this time known:
 * notices are events, and must not be what there is most of.
 */
export const noticeIntervalMs = 600_000;

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
