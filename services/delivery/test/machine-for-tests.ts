import { firstCursor } from '../src/cursor-mapper.ts';
import type { Cursor } from '../src/cursor-mapper.ts';
import { initialState } from '../src/delivery-state.ts';
import type { DeliveryState, Effect, Input, Phase } from '../src/delivery-state.ts';
import { noneSkipped } from '../src/skipped-counts.ts';

export const nowMs = 1_000_000;
export const wish = { isPaused: false, version: 'v1', lingerMs: 200, bytesMax: 100_000, proofIntervalMs: 3_600_000 };
export const place = {
  toSeq: 15,
  eventSeq: 14,
  eventCount: 4,
  skipped: { ...noneSkipped, filtered: 1 },
  bodyBytes: 4_000,
  offset: 90,
  mayHaveMore: false,
};
export const cursor: Cursor = { ...firstCursor(10, 1), offset: 50 };

const phases: Record<Phase['name'], Phase> = {
  idle: { name: 'idle' },
  lingering: { name: 'lingering', untilMs: nowMs },
  queued: { name: 'queued' },
  reading: { name: 'reading', version: 'v1' },
  sending: { name: 'sending', batch: place },
  resting: { name: 'resting', untilMs: nowMs },
  suspended: { name: 'suspended' },
};
export const inputs = {
  began: { type: 'began' },
  grew: { type: 'grew' },
  due: { type: 'due' },
  slot: { type: 'slot' },
  readBatch: { type: 'read', result: { kind: 'batch', ...place }, jitter: 0.5 },
  readEmpty: { type: 'read', result: { kind: 'batch', ...place, eventSeq: 0, eventCount: 0 }, jitter: 0.5 },
  readProof: { type: 'read', result: { kind: 'proof', ...place, toSeq: 10, eventCount: 0 }, jitter: 0.5 },
  readNothing: { type: 'read', result: { kind: 'nothing', offset: 70 }, jitter: 0.5 },
  readBehind: { type: 'read', result: { kind: 'behind' }, jitter: 0.5 },
  readFailed: { type: 'read', result: { kind: 'failed' }, jitter: 0.5 },
  delivered: { type: 'answered', outcome: { kind: 'delivered' }, error: '', retryAfterMs: null, jitter: 0.5 },
  retry: { type: 'answered', outcome: { kind: 'retry' }, error: 'status_500', retryAfterMs: null, jitter: 0.5 },
  split: { type: 'answered', outcome: { kind: 'split' }, error: 'status_413', retryAfterMs: null, jitter: 0.5 },
  rejectEvent: {
    type: 'answered',
    outcome: { kind: 'reject_event', indices: [1] },
    error: 'status_400',
    retryAfterMs: null,
    jitter: 0.5,
  },
  misconfigured: {
    type: 'answered',
    outcome: { kind: 'misconfigured' },
    error: 'status_404',
    retryAfterMs: null,
    jitter: 0.5,
  },
  gone: { type: 'answered', outcome: { kind: 'gone' }, error: 'status_410', retryAfterMs: null, jitter: 0.5 },
  changed: { type: 'changed', ...wish, version: 'v2' },
  paused: { type: 'changed', ...wish, version: 'v2', isPaused: true },
} as const satisfies Record<string, Input>;

export type InputName = keyof typeof inputs;

export const isPhaseName = (name: string): name is Phase['name'] => name in phases;
export const isInputName = (name: string): name is InputName => name in inputs;

export function stateIn(phase: Phase['name'], changes: Partial<DeliveryState> = {}): DeliveryState {
  const suspended: Cursor = {
    ...cursor,
    state: 'suspended',
    suspendedVersion: 'v1',
    failingSinceMs: 5,
    lastError: 'status_410',
  };
  const trying = phase === 'sending' ? { toSeq: 15, tries: 1 } : null;
  return {
    ...initialState(phase === 'suspended' ? suspended : cursor, wish),
    phase: phases[phase],
    trying,
    ...changes,
  };
}

export const short = (effects: readonly Effect[]): string =>
  effects.map((effect) => (effect.type === 'save' && !effect.isUrgent ? 'save-later' : effect.type)).join(' ');
