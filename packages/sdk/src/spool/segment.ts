import type { BatchLimits, Entry, Kept, Listener, NewEntry, Size } from './entry.ts';

/** An event of a tenant that has to wait, and whose it is. */
export type Held = Entry & { readonly tenantId: string };

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
  /**
   * Takes the start of what `peek` gave out of the segment, but for `held` of it, which is kept in the rows of its tenants. Never rejects: what a disk does
   * not forget is sent once more after a restart, with the same ids.
   */
  drop(entries: readonly Entry[], held?: readonly Held[]): Promise<void>;
  /** The tenants of whom something is held back. */
  heldTenants(): Iterable<string>;
  /** How much is held back of a tenant. */
  heldOf(tenantId: string): Size;
  /** How much is held back of all tenants. */
  heldSize(): Size;
  /** The oldest that is held back of a tenant, as `peek`. */
  peekHeld(tenantId: string, limits: BatchLimits): Promise<Entry[]>;
  /** Takes the start of what `peekHeld` gave out of the segment, as `drop`. */
  dropHeld(tenantId: string, entries: readonly Entry[]): Promise<void>;
  /** Whom to tell of an entry. */
  listenerOf(entry: Entry): Listener | undefined;
  /** With what is held back. */
  size(): Size;
}
