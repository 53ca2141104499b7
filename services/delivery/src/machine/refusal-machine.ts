import { parkedMax } from '@docket/directory';
import type { ParkedEvent } from '@docket/directory';

import { nothingRefused } from './delivery-state.ts';
import type { BatchPlace, DeliveryState, Refusals, RefusedEvent } from './delivery-state.ts';

/** So many events refused in a row, each by itself, mean that the receiver refuses everything. */
const singleRefusalsMax = 10;

/** What a refusal of events comes to: `narrowed`, something else is sent at once; or nothing that could be found out by that. */
export type RefusalStep =
  | { readonly kind: 'narrowed'; readonly refusals: Refusals }
  | { readonly kind: 'misconfigured'; readonly error: string };

/**
 * The part of delivery-machine that finds the events which a receiver refuses. A refused batch is halved, down to a single event. Is that refused after the
 * receiver has taken another, it is left out of the next batch, which says `parked` of it; if that batch is taken, it is parked. Has the receiver taken
 * nothing yet, the next events are tried by themselves, aside of the stream: is one taken, the first is tried again, for the receiver may just have been
 * mended; are ten in a row refused, it refuses everything, nothing is passed, and the first of them is tried again later.
 */
export function refuse(
  state: DeliveryState,
  batch: BatchPlace,
  refusal: {
    readonly indices: readonly number[];
    readonly hasTaken: boolean;
    readonly isInOrder?: true;
    readonly error: string;
    readonly excerpt: string;
  },
): RefusalStep {
  const { indices, hasTaken, isInOrder = false, error, excerpt } = refusal;
  const { refusals } = state;
  if (indices.length >= batch.eventCount && batch.eventCount > 1) {
    return {
      kind: 'narrowed',
      refusals: { ...refusals, suspect: { toSeq: batch.toSeq, count: batch.eventCount } },
    };
  }
  const evidence = hasTaken ? 'sink' : refusals.hasTaken ? 'neighbour' : 'none';
  const named = batch.eventSeqs.filter((_, index) => indices.includes(index));
  const fresh = named.map((seq): RefusedEvent => ({ seq, error, excerpt, evidence }));
  const refused = [...refusals.refused, ...fresh].sort((a, b) => a.seq - b.seq);
  if (state.parked.length + refused.length > parkedMax) return { kind: 'misconfigured', error: 'parked_list_full' };
  const inARow = refused.filter((one) => one.evidence !== 'sink').length;
  if (inARow >= singleRefusalsMax || fresh.length === 0) return { kind: 'misconfigured', error };
  const [inFront = 0] = isInOrder ? indices : [];
  return { kind: 'narrowed', refusals: { hasTaken: refusals.hasTaken, suspect: null, refused, inFront } };
}

/** Begins again, at the first that was refused, and with it alone; what was known before proves nothing any more. */
export function fromTheFirst({ suspect, refused }: Refusals): Refusals {
  const [first] = refused;
  return { suspect: first === undefined ? suspect : { toSeq: first.seq, count: 1 }, refused: [], hasTaken: false };
}

/** Something is looked for. */
export function isNarrowing({ suspect, refused }: Refusals): boolean {
  return suspect !== null || refused.length > 0;
}

/** Whether an event behind those that were refused is tried aside, because nothing was taken yet. */
export function needsProbe({ refused }: Refusals): boolean {
  return refused.some(({ evidence }) => evidence === 'none');
}

/** How many events the next batch may hold; null: as many as usual. */
export function refusalsEventsMax(refusals: Refusals): number | null {
  if (needsProbe(refusals)) return 1;
  const { suspect, inFront = 0 } = refusals;
  if (inFront > 0) return inFront;
  return suspect === null ? null : Math.max(1, Math.floor(suspect.count / 2));
}

/** The receiver takes the event that was tried aside: those refused before it are tried again. */
export function probeTaken({ refused }: Refusals): Refusals {
  const first = refused.find(({ evidence }) => evidence === 'none');
  return {
    suspect: first === undefined ? null : { toSeq: first.seq, count: 1 },
    refused: refused.filter(({ evidence }) => evidence !== 'none'),
    hasTaken: true,
  };
}

/** A batch was taken: what is still looked for is behind it. */
export function taken(refusals: Refusals, batch: BatchPlace): Refusals {
  if (refusals === nothingRefused) return refusals;
  const { suspect, refused } = refusals;
  const isBehind = suspect === null || suspect.toSeq <= batch.toSeq;
  const next: Refusals = {
    suspect: isBehind ? null : { ...suspect, count: Math.max(1, suspect.count - batch.eventCount) },
    refused: refused.filter(({ seq }) => seq > batch.toSeq),
    hasTaken: true,
  };
  return isNarrowing(next) ? next : nothingRefused;
}

/** A batch that left it out was taken. */
export function parkedOf({ seq, error, excerpt }: RefusedEvent, nowMs: number): ParkedEvent {
  return { seq, error, answerExcerpt: excerpt, parkedAtMs: nowMs, asks: 0, refused: 0 };
}
