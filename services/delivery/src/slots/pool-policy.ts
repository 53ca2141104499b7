import { isBreakerOpen, noAnswers } from '../machine/breaker-policy.ts';
import type { DeliveryState } from '../machine/delivery-state.ts';
import type { Pool } from './slot-policy.ts';
import type { TailBuffer } from '../log/tail-buffer.ts';

/** Where the next request of a subscription to a log waits. */
export function poolOf(
  { cursor, recent }: Pick<DeliveryState, 'cursor' | 'recent'>,
  log: string,
  tail: Pick<TailBuffer, 'covers'>,
): Pool {
  const { state, toldAtMs, offset } = cursor;
  if (isBreakerOpen(recent)) return 'failing';
  // Who has never taken anything has no credit that one failure would not use up.
  if (toldAtMs === null) return recent === noAnswers ? 'unproven' : 'failing';
  if (state === 'failing') return 'doubtful';
  return offset !== null && tail.covers(log, offset) ? 'live' : 'catch_up';
}
