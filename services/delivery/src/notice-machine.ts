import type { Cursor } from './cursor-mapper.ts';
import type { Effect, Step } from './delivery-state.ts';
import { noticedCursor, noticeOf } from './notice-policy.ts';

const saveSoon: Effect = { type: 'save', isUrgent: true };

/** The part of delivery-machine that tells the owner: adds a notice to a step that is to be told of. */
export function withNotice(before: Cursor, stepped: Step, nowMs: number): Step {
  const { cursor, noticeAfterMs } = stepped.state;
  const notice = cursor === before ? undefined : noticeOf(before, cursor, noticeAfterMs, nowMs);
  if (notice === undefined) return stepped;
  const isSaved = stepped.effects.some((effect) => effect.type === 'save' && effect.isUrgent);
  return {
    state: { ...stepped.state, cursor: noticedCursor(cursor, notice) },
    effects: [...stepped.effects, { type: 'tell', notice }, ...(isSaved ? [] : [saveSoon])],
  };
}
