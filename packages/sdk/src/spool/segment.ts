import type { BatchLimits, Entry, Kept, Listener, NewEntry } from './entry.ts';

/**
 * A part of the spool, first in, first out. The spool is a row of them: what dead processes have left, what is on our disk,
 * what had to be kept in memory. They are sent in that order; new events go into the last.
 */
export interface Segment {
  readonly kept: Kept;
  /** Unique: `source.instance` has it, so no two segments count as the same instance. */
  readonly id: string;
  /** The last running number of a tenant; 0 before the first. */
  counterOf(tenantId: string): number;
  /** Keeps all of the entries, in order, or rejects and keeps none; then nothing more may be appended. */
  append(entries: readonly NewEntry[]): Promise<void>;
  /** The oldest entries, at least one if there is any, within both limits. They stay. */
  peek(limits: BatchLimits): Promise<Entry[]>;
  /** Takes the start of what `peek` gave out of the segment. Never rejects: what a disk does not forget is sent once more after a restart, with the same ids. */
  drop(entries: readonly Entry[]): Promise<void>;
  /** Whom to tell of an entry. */
  listenerOf(entry: Entry): Listener | undefined;
  size(): { readonly events: number; readonly bytes: number };
}
