import type { Cursor } from '../cursors/cursor-mapper.ts';
import type { DeliveryState, Effect, Step } from '../machine/delivery-state.ts';
import { isSameNotice } from './notice-mapper.ts';
import { noticedCursor, noticeOf } from './notice-policy.ts';
import type { Notice } from './notice-mapper.ts';

const saveSoon: Effect = { type: 'save', isUrgent: true };

/**
 * The part of delivery-machine that tells the owner. What is to be told is first kept in the cursor, then told, then forgotten: after a crash it is told again as it
 * was, and the log takes the second for a duplicate.
 */
export function withNotice(before: Cursor, stepped: Step, nowMs: number): Step {
  const { cursor, noticeAfterMs } = stepped.state;
  const notice = cursor === before ? undefined : noticeOf(before, cursor, noticeAfterMs, nowMs);
  if (notice === undefined) return stepped;
  const isSaved = stepped.effects.some((effect) => effect.type === 'save' && effect.isUrgent);
  return {
    state: { ...stepped.state, cursor: noticedCursor(cursor, notice) },
    effects: isSaved ? stepped.effects : [...stepped.effects, saveSoon],
  };
}

/** These notices are in the cursor that is kept: they may be told now. */
export function tell(state: DeliveryState, kept: readonly Notice[]): Step {
  const { cursor, telling } = state;
  const isIn = (list: readonly Notice[], notice: Notice): boolean => list.some((one) => isSameNotice(one, notice));
  const fresh = kept.filter((notice) => isIn(cursor.untold, notice) && !isIn(telling, notice));
  if (fresh.length === 0) return { state, effects: [] };
  return {
    state: { ...state, telling: [...telling, ...fresh] },
    effects: fresh.map((notice): Effect => ({ type: 'tell', notice })),
  };
}

/** Its owner has been told. That this is forgotten by a crash does no harm. */
export function wasTold(state: DeliveryState, notice: Notice): Step {
  const isOther = (one: Notice): boolean => !isSameNotice(one, notice);
  const untold = state.cursor.untold.filter(isOther);
  if (untold.length === state.cursor.untold.length) return { state, effects: [] };
  return {
    state: { ...state, cursor: { ...state.cursor, untold }, telling: state.telling.filter(isOther) },
    effects: [{ type: 'save', isUrgent: true }],
  };
}
