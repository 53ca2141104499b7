/** all_taken: the whole budget would be exceeded · share_taken: an owner's share would be. */
export type BudgetRefusal = 'all_taken' | 'share_taken';

/** A part of the budget that is held; it counts until released. */
export interface ByteLease {
  /** Gives back what turned out not to be needed, or takes more even beyond the limit: what is in memory is in memory. */
  resize(bytes: number): void;
  /**
   * Takes more, where that is within the limits and leaves of each owner's share that part (default 0) free, for what its owner needs more; undefined: it is.
   */
  grow(bytes: number, sparePart?: number): BudgetRefusal | undefined;
  /** Safe to call twice. */
  release(): void;
}

export type Taken =
  { readonly ok: true; readonly lease: ByteLease } | { readonly ok: false; readonly reason: BudgetRefusal };

export interface ByteBudget {
  /** For one owner, or for several that each account for all of it. */
  take(owners: readonly string[], bytes: number): Taken;
  /** Why `take` would refuse; undefined: it would not. */
  refusalOf(owners: readonly string[], bytes: number): BudgetRefusal | undefined;
  /** As `take`, even beyond the limits: for what goes anyhow. */
  hold(owners: readonly string[], bytes: number): ByteLease;
  /** By all, or by one owner. */
  readonly usedBytes: (owner?: string) => number;
  readonly limitBytes: number;
}

/**
 * I8: counts bytes that are held at once, against a limit. I7: one owner gets at most half of what the others leave, so that whoever sends or takes slowly,
 * or much, holds up himself and not the others: of one such owner half of it is held, of two three quarters, never all.
 * @param leastBytes an owner may always have so many, as long as the whole has them: a share of many owners may be less than what one request needs
 */
export function createByteBudget(limitBytes: number, leastBytes = 0): ByteBudget {
  /** Owners that hold nothing are forgotten, so there are no more than leases. */
  const usedByOwner = new Map<string, number>();
  let used = 0;

  const usedBytes = (owner?: string): number => (owner === undefined ? used : (usedByOwner.get(owner) ?? 0));

  const refusalOf = (owners: readonly string[], bytes: number, sparePart = 0): BudgetRefusal | undefined => {
    if (used + bytes > limitBytes) return 'all_taken';
    const isOver = owners.some((owner) => {
      const held = usedBytes(owner);
      const shareBytes = ((limitBytes - (used - held)) / 2) * (1 - sparePart);
      return held + bytes > Math.max(shareBytes, leastBytes);
    });
    return isOver ? 'share_taken' : undefined;
  };

  const add = (owners: readonly string[], bytes: number): void => {
    used += bytes;
    for (const owner of owners) {
      const held = usedBytes(owner) + bytes;
      if (held === 0) usedByOwner.delete(owner);
      else usedByOwner.set(owner, held);
    }
  };

  const hold = (owners: readonly string[], bytes: number): ByteLease => {
    let held = bytes;
    add(owners, bytes);
    const resize = (wanted: number): void => {
      add(owners, wanted - held);
      held = wanted;
    };
    return {
      resize,
      grow(more, sparePart) {
        const refusal = refusalOf(owners, more, sparePart);
        if (refusal === undefined) resize(held + more);
        return refusal;
      },
      release: () => resize(0),
    };
  };

  return {
    limitBytes,
    usedBytes,
    refusalOf,
    hold,
    take: (owners, bytes) => {
      const reason = refusalOf(owners, bytes);
      return reason === undefined ? { ok: true, lease: hold(owners, bytes) } : { ok: false, reason };
    },
  };
}
