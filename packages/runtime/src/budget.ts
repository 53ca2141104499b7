/** all_taken: the whole budget would be exceeded · share_taken: an owner's share would be. */
export type BudgetRefusal = 'all_taken' | 'share_taken';

/** A part of the budget that is held; it counts until released. */
export interface Lease {
  /** Gives back what turned out not to be needed, or takes more even beyond the limit: what is in memory is in memory. */
  resize(amount: number): void;
  /**
   * Takes more, where that is within the limits and leaves of each owner's share that part (default 0) free, for what its owner needs more; undefined: it is.
   */
  grow(amount: number, sparePart?: number): BudgetRefusal | undefined;
  /** Safe to call twice. */
  release(): void;
}

export type Taken =
  { readonly ok: true; readonly lease: Lease } | { readonly ok: false; readonly reason: BudgetRefusal };

export interface Budget {
  /** For one owner, or for several that each account for all of it. */
  take(owners: readonly string[], amount: number): Taken;
  /** Why `take` would refuse; undefined: it would not. */
  refusalOf(owners: readonly string[], amount: number): BudgetRefusal | undefined;
  /** As `take`, even beyond the limits: for what goes anyhow. */
  hold(owners: readonly string[], amount: number): Lease;
  /** By all, or by one owner. */
  readonly used: (owner?: string) => number;
  readonly limit: number;
}

/**
 * I8: counts what is held at once, bytes, requests or places, against a limit. I7: one owner gets at most half of what the others leave, so that whoever sends
 * or takes slowly, or much, holds up himself and not the others: of one such owner half of it is held, of two three quarters, never all.
 * @param least an owner may always have so much, as long as the whole has it: a share of many owners may be less than what one request needs
 */
export function createBudget(limit: number, least = 0): Budget {
  /** Owners that hold nothing are forgotten, so there are no more than leases. */
  const usedBy = new Map<string, number>();
  let usedByAll = 0;

  const used = (owner?: string): number => (owner === undefined ? usedByAll : (usedBy.get(owner) ?? 0));

  const refusalOf = (owners: readonly string[], amount: number, sparePart = 0): BudgetRefusal | undefined => {
    if (usedByAll + amount > limit) return 'all_taken';
    const isOver = owners.some((owner) => {
      const held = used(owner);
      const share = ((limit - (usedByAll - held)) / 2) * (1 - sparePart);
      return held + amount > Math.max(share, least);
    });
    return isOver ? 'share_taken' : undefined;
  };

  const add = (owners: readonly string[], amount: number): void => {
    usedByAll += amount;
    for (const owner of owners) {
      const held = used(owner) + amount;
      if (held === 0) usedBy.delete(owner);
      else usedBy.set(owner, held);
    }
  };

  const hold = (owners: readonly string[], amount: number): Lease => {
    let held = amount;
    add(owners, amount);
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
    limit,
    used,
    refusalOf,
    hold,
    take: (owners, amount) => {
      const reason = refusalOf(owners, amount);
      return reason === undefined ? { ok: true, lease: hold(owners, amount) } : { ok: false, reason };
    },
  };
}
