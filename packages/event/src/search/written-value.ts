import type { EventStatus } from '../public-event.ts';
import type { Search } from './search.ts';

export const comparisons = ['>=', '<=', '>', '<'] as const;
export type Comparison = (typeof comparisons)[number];

/** The value of a term as it was written. */
export interface WrittenValue {
  readonly text: string;
  /** A star stood behind the text: whatever begins so; without text: any value. */
  readonly isPrefix: boolean;
  readonly comparison: Comparison | null;
}

/** What a term means depends on when and by whom it is asked. */
export interface TermContext {
  /** µs since the epoch: what relative times count from; null: there are none. */
  readonly nowMicros: number | null;
  /** The statuses that may be asked for; others are not said to exist. Without any, status is no field here. */
  readonly statuses: readonly EventStatus[];
}

/** `detail` says what is wrong with the value; the field's name goes before it. */
export type TermResult = { readonly ok: true; readonly term: Search } | { readonly ok: false; readonly detail: string };

export const wrong = (detail: string): TermResult => ({ ok: false, detail });
