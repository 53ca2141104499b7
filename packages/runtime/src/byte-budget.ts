/** all_taken: the whole budget would be exceeded · share_taken: an owner's share would be. */
export type BudgetRefusal = 'all_taken' | 'share_taken';

/** A part of the budget that is held; it counts until released. */
export interface ByteLease {
  /** Gives back what turned out not to be needed, or takes more even beyond the limit: what is in memory is in memory. */
  resize(bytes: number): void;
  /**
   * Takes more, where that is within the limits and leaves `spareBytes` (default 0) of them free, for those who need it more; undefined: it is.
   */
  grow(bytes: number, spareBytes?: number): BudgetRefusal | undefined;
  /** Safe to call twice. */
  release(): void;
}

export type Taken =
  { readonly ok: true; readonly lease: ByteLease } | { readonly ok: false; readonly reason: BudgetRefusal };

export interface ByteBudget {
  /** For one owner, or for several that each account for all of it. */
  take(owners: readonly string[], bytes: number): Taken;
  readonly usedBytes: () => number;
  readonly limitBytes: number;
}

/**
 * I8: counts bytes that are held at once, against a limit. I7: one owner gets at most half of it, so that whoever sends or takes slowly, or
 * much, holds up himself and not the others.
 */
export function createByteBudget(limitBytes: number): ByteBudget {
  const shareBytes = Math.floor(limitBytes / 2);
  /** Owners that hold nothing are forgotten, so there are no more than leases. */
  const usedByOwner = new Map<string, number>();
  let used = 0;

  const refusalOf = (owners: readonly string[], bytes: number): BudgetRefusal | undefined => {
    if (used + bytes > limitBytes) return 'all_taken';
    return owners.some((owner) => (usedByOwner.get(owner) ?? 0) + bytes > shareBytes) ? 'share_taken' : undefined;
  };

  const add = (owners: readonly string[], bytes: number): void => {
    used += bytes;
    for (const owner of owners) {
      const held = (usedByOwner.get(owner) ?? 0) + bytes;
      if (held === 0) usedByOwner.delete(owner);
      else usedByOwner.set(owner, held);
    }
  };

  const leaseOf = (owners: readonly string[], bytes: number): ByteLease => {
    let held = bytes;
    add(owners, bytes);
    const resize = (wanted: number): void => {
      add(owners, wanted - held);
      held = wanted;
    };
    return {
      resize,
      grow(more, spareBytes = 0) {
        const refusal = refusalOf(owners, more + spareBytes);
        if (refusal === undefined) resize(held + more);
        return refusal;
      },
      release: () => resize(0),
    };
  };

  return {
    limitBytes,
    usedBytes: () => used,
    take: (owners, bytes) => {
      const reason = refusalOf(owners, bytes);
      return reason === undefined ? { ok: true, lease: leaseOf(owners, bytes) } : { ok: false, reason };
    },
  };
}
