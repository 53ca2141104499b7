import type { ParkedEvent } from '@docket/directory';

import { firstCursor } from '../src/cursors/cursor-mapper.ts';
import type { Cursor } from '../src/cursors/cursor-mapper.ts';
import { initialState } from '../src/machine/delivery-state.ts';
import type { DeliveryState, Effect, Input, Phase, Wish } from '../src/machine/delivery-state.ts';
import type { Notice } from '../src/notices/notice-mapper.ts';
import { noneSkipped } from '../src/batches/skipped-counts.ts';

export const nowMs = 1_000_000;
export const wish: Wish = {
  isPaused: false,
  version: 'v1',
  lingerMs: 200,
  bytesMax: 100_000,
  windowMax: 1,
  proofIntervalMs: 3_600_000,
  suspendAfterMs: 7 * 86_400_000,
  noticeAfterMs: 60_000,
  resume: null,
};
export const place = {
  toSeq: 15,
  eventSeq: 14,
  eventCount: 4,
  eventSeqs: [11, 12, 13, 14],
  skipped: { ...noneSkipped, filtered: 1 },
  bodyBytes: 4_000,
  offset: 90,
  mayHaveMore: false,
  isLast: false,
};
export const cursor: Cursor = { ...firstCursor(10, 1), offset: 50 };

/** The phases as the table has them: a parked event is read and sent in phases of its own. */
export type PhaseName = Phase['name'] | 'readingParked' | 'sendingParked';

export const parkedPlace = { ...place, toSeq: 7, eventSeq: 7, eventCount: 1, eventSeqs: [7], skipped: noneSkipped };
export const parked = {
  seq: 7,
  error: 'status_400',
  answerExcerpt: 'no',
  parkedAtMs: 5,
  asks: 1,
  refused: 0,
} satisfies ParkedEvent;

const notice: Notice = { kind: 'failing', sinceMs: 5, error: 'status_500', atMs: 6 };

const phases: Record<PhaseName, Phase> = {
  idle: { name: 'idle' },
  lingering: { name: 'lingering', untilMs: nowMs },
  queued: { name: 'queued' },
  reading: { name: 'reading', version: 'v1', aside: null },
  readingParked: { name: 'reading', version: 'v1', aside: { kind: 'parked', seq: 7 } },
  sending: { name: 'sending', batch: place, following: [], aside: null, version: 'v1', leftOut: [] },
  sendingParked: {
    name: 'sending',
    batch: parkedPlace,
    following: [],
    aside: { kind: 'parked', seq: 7 },
    version: 'v1',
    leftOut: [],
  },
  resting: { name: 'resting', untilMs: nowMs, forNeighbour: false },
  suspended: { name: 'suspended' },
};
export const inputs = {
  began: { type: 'began' },
  grew: { type: 'grew' },
  due: { type: 'due' },
  slot: { type: 'slot' },
  readLocated: { type: 'read', result: { kind: 'located', seq: 10 }, jitter: 0.5 },
  readExpired: { type: 'read', result: { kind: 'expired' }, jitter: 0.5 },
  readBatch: { type: 'read', result: { kind: 'batch', ...place }, jitter: 0.5 },
  readEmpty: {
    type: 'read',
    result: { kind: 'batch', ...place, eventSeq: 0, eventCount: 0, eventSeqs: [] },
    jitter: 0.5,
  },
  readProof: {
    type: 'read',
    result: { kind: 'proof', ...place, toSeq: 10, eventCount: 0, eventSeqs: [] },
    jitter: 0.5,
  },
  readNothing: { type: 'read', result: { kind: 'nothing', offset: 70 }, jitter: 0.5 },
  readRenumbered: { type: 'read', result: { kind: 'renumbered', seq: 7 }, jitter: 0.5 },
  readBehind: { type: 'read', result: { kind: 'behind' }, jitter: 0.5 },
  readFailed: { type: 'read', result: { kind: 'failed' }, jitter: 0.5 },
  delivered: {
    type: 'answered',
    outcome: { kind: 'delivered' },
    error: '',
    excerpt: 'no',
    retryAfterMs: null,
    jitter: 0.5,
  },
  retry: {
    type: 'answered',
    outcome: { kind: 'retry' },
    error: 'status_500',
    excerpt: 'no',
    retryAfterMs: null,
    jitter: 0.5,
  },
  split: {
    type: 'answered',
    outcome: { kind: 'split' },
    error: 'status_413',
    excerpt: 'no',
    retryAfterMs: null,
    jitter: 0.5,
  },
  rejectEvent: {
    type: 'answered',
    outcome: { kind: 'reject_event', indices: [1], hasTaken: true },
    error: 'status_400',
    excerpt: 'no',
    retryAfterMs: null,
    jitter: 0.5,
  },
  rejectAll: {
    type: 'answered',
    outcome: { kind: 'reject_event', indices: [0, 1, 2, 3], hasTaken: false },
    error: 'status_400',
    excerpt: 'no',
    retryAfterMs: null,
    jitter: 0.5,
  },
  misconfigured: {
    type: 'answered',
    outcome: { kind: 'misconfigured' },
    error: 'status_404',
    excerpt: 'no',
    retryAfterMs: null,
    jitter: 0.5,
  },
  gone: {
    type: 'answered',
    outcome: { kind: 'gone' },
    error: 'status_410',
    excerpt: 'no',
    retryAfterMs: null,
    jitter: 0.5,
  },
  changed: { type: 'changed', ...wish, version: 'v2' },
  paused: { type: 'changed', ...wish, version: 'v2', isPaused: true },
  dismissed: { type: 'parked', parked: { ...parked, isDismissed: true } },
  parked: { type: 'parked', parked: { ...parked, asks: 2 } },
  // Of notices that it knows nothing of; see notice-policy.test.ts for others.
  kept: { type: 'kept', untold: [notice] },
  told: { type: 'told', notice },
} satisfies Record<string, Input>;

export type InputName = keyof typeof inputs;

export const isPhaseName = (name: string): name is PhaseName => name in phases;
export const isInputName = (name: string): name is InputName => name in inputs;

export function stateIn(phase: PhaseName, changes: Partial<DeliveryState> = {}): DeliveryState {
  const suspended: Cursor = {
    ...cursor,
    state: 'suspended',
    suspendedVersion: 'v1',
    failingSinceMs: 5,
    lastError: 'status_410',
  };
  const trying = phase === 'sending' ? { toSeq: 15, tries: 1 } : null;
  return {
    ...initialState(phase === 'suspended' ? suspended : cursor, wish, phase.endsWith('Parked') ? [parked] : []),
    phase: phases[phase],
    trying,
    ...changes,
  };
}

export const short = (effects: readonly Effect[]): string =>
  effects.map((effect) => (effect.type === 'save' && !effect.isUrgent ? 'save-later' : effect.type)).join(' ');
