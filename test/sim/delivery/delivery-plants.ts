import { laterCursor } from '../../../services/delivery/src/cursors/cursor-mapper.ts';
import type { Cursor } from '../../../services/delivery/src/cursors/cursor-mapper.ts';
import { stepDelivery } from '../../../services/delivery/src/machine/delivery-machine.ts';
import type { DeliveryState } from '../../../services/delivery/src/machine/delivery-state.ts';
import type { Pool } from '../../../services/delivery/src/slots/slot-policy.ts';
import type { TailBuffer } from '../../../services/delivery/src/log/tail-buffer.ts';

/** The points at which a bug can be planted: seams of the machine and rules of the models, none of them in product code. */
export interface DeliveryPlant {
  readonly step: typeof stepDelivery;
  readonly later: (known: Cursor | undefined, other: Cursor) => Cursor;
  readonly tail: (tail: TailBuffer) => TailBuffer;
  readonly pool: (pool: Pool) => Pool;
  /** A parked event is durable before the cursor that has passed it. */
  readonly isParkedFirst: boolean;
}

/** As designed. */
export const nothingPlanted: DeliveryPlant = {
  step: stepDelivery,
  later: laterCursor,
  tail: (tail) => tail,
  pool: (pool) => pool,
  isParkedFirst: true,
};

/** What is refused by itself is passed at once. */
const parkedWithoutEvidence: DeliveryPlant = {
  ...nothingPlanted,
  step: (state, input, nowMs) => {
    const stepped = stepDelivery(state, input, nowMs);
    const [refused] = stepped.state.refusals.refused;
    if (refused === undefined || input.type !== 'answered') return stepped;
    const { cursor } = stepped.state;
    const passed = { ...cursor.passed, parked: cursor.passed.parked + (refused.seq - cursor.seq) };
    const moved: DeliveryState = {
      ...stepped.state,
      cursor: { ...cursor, seq: refused.seq, offset: null, passed },
      refusals: { suspect: null, refused: [], hasTaken: false },
    };
    const { seq, error, excerpt } = refused;
    const parked = { seq, error, answerExcerpt: excerpt, parkedAtMs: nowMs, asks: 0, refused: 0 };
    return {
      state: moved,
      effects: [{ type: 'keep_parked', parked }, { type: 'save', isUrgent: true }, ...stepped.effects],
    };
  },
};

const lastRecordBelieved: DeliveryPlant = { ...nothingPlanted, later: (_known, other) => other };

/** The buffer says that it has whatever it was once told to keep. */
const evictionForgotten: DeliveryPlant = {
  ...nothingPlanted,
  tail: (tail) => ({ ...tail, covers: () => true }),
};

const skippedOffByOne: DeliveryPlant = {
  ...nothingPlanted,
  step: (state, input, nowMs) => {
    const stepped = stepDelivery(state, input, nowMs);
    const { cursor } = stepped.state;
    if (cursor.passed === state.cursor.passed || cursor.passed.filtered === 0) return stepped;
    const passed = { ...cursor.passed, filtered: cursor.passed.filtered - 1 };
    return { ...stepped, state: { ...stepped.state, cursor: { ...cursor, passed } } };
  },
};

const cursorBeforeParked: DeliveryPlant = { ...nothingPlanted, isParkedFirst: false };

const failingAmongHealthy: DeliveryPlant = {
  ...nothingPlanted,
  pool: (pool) => (pool === 'failing' ? 'live' : pool),
};

/** The last answer of a window is taken for that of all. */
const windowBelieved: DeliveryPlant = {
  ...nothingPlanted,
  step: (state, input, nowMs) => {
    const { phase } = state;
    const isWindow = input.type === 'answered' && phase.name === 'sending' && phase.following.length > 0;
    if (!isWindow || (input.acknowledged ?? 0) === 0) return stepDelivery(state, input, nowMs);
    const taken = { ...input, outcome: { kind: 'delivered' }, acknowledged: phase.following.length } as const;
    return stepDelivery(state, taken, nowMs);
  },
};

/** Told at once, whether or not its cursor is ever kept. */
const toldBeforeKept: DeliveryPlant = {
  ...nothingPlanted,
  step: (state, input, nowMs) => {
    const stepped = stepDelivery(state, input, nowMs);
    const fresh = stepped.state.cursor.untold.filter((notice) => !state.cursor.untold.includes(notice));
    return { ...stepped, effects: [...stepped.effects, ...fresh.map((notice) => ({ type: 'tell', notice }) as const)] };
  },
};

/** What an owner before has kept and not told is nobody's. */
const noticeForgotten: DeliveryPlant = {
  ...nothingPlanted,
  step: (state, input, nowMs) => {
    const stepped = stepDelivery(state, input, nowMs);
    if (input.type !== 'began') return stepped;
    return { ...stepped, state: { ...stepped.state, cursor: { ...stepped.state.cursor, untold: [] } } };
  },
};

/** What its owner has dismissed while nobody delivered stays on the list. */
const dismissalForgotten: DeliveryPlant = {
  ...nothingPlanted,
  step: (state, input, nowMs) => {
    const stepped = stepDelivery(state, input, nowMs);
    if (input.type !== 'began') return stepped;
    return { ...stepped, effects: stepped.effects.filter(({ type }) => type !== 'forget_parked') };
  },
};

/** A pause of a receiver's refusals is taken for a word about the events before it. */
const firstRefusalBelieved: DeliveryPlant = {
  ...nothingPlanted,
  step: (state, input, nowMs) => {
    const stepped = stepDelivery(state, input, nowMs);
    const { refusals } = stepped.state;
    if (!refusals.refused.some(({ evidence }) => evidence === 'none')) return stepped;
    const refused = refusals.refused.map((one) => ({ ...one, evidence: 'neighbour' as const }));
    return { ...stepped, state: { ...stepped.state, refusals: { ...refusals, refused } } };
  },
};

/** Bugs that the simulation has to find. */
export const plants: Readonly<Record<string, DeliveryPlant>> = {
  'parked without evidence': parkedWithoutEvidence,
  'parked on a refusal from before anything was taken': firstRefusalBelieved,
  'the cursor of the last record instead of the maximum by (reset, seq)': lastRecordBelieved,
  'an event evicted from the tail buffer forgotten': evictionForgotten,
  'skipped counts off by one': skippedOffByOne,
  'a cursor kept before what it has parked': cursorBeforeParked,
  'a window taken for acknowledged because some of it was': windowBelieved,
  'a notice told before it is kept': toldBeforeKept,
  'a notice forgotten by a crash': noticeForgotten,
  'a dismissal forgotten by a crash': dismissalForgotten,
  'a failing receiver among the healthy': failingAmongHealthy,
};
