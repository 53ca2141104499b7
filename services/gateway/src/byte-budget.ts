/** A part of the budget that one request holds; it counts until released. */
export interface ByteLease {
  /** Gives back what turned out not to be needed, or takes more even beyond the limit: what is in memory is in memory. */
  resize(bytes: number): void;
  /** Safe to call twice. */
  release(): void;
}

/** all_taken: the whole budget would be exceeded · share_taken: the owner's share would be. */
export type Taken =
  | { readonly ok: true; readonly lease: ByteLease }
  | { readonly ok: false; readonly reason: 'all_taken' | 'share_taken' };

export interface ByteBudget {
  take(owner: string, bytes: number): Taken;
  readonly usedBytes: () => number;
  readonly limitBytes: number;
}

/**
 * I8: counts bytes that are held at once, against a limit. I7: one owner gets at most half of it, so that whoever sends slowly or much holds up
 * himself and not the others.
 */
export function createByteBudget(limitBytes: number): ByteBudget {
  const shareBytes = Math.floor(limitBytes / 2);
  /** Owners that hold nothing are forgotten, so there are no more than leases. */
  const usedByOwner = new Map<string, number>();
  let used = 0;

  const add = (owner: string, bytes: number): void => {
    used += bytes;
    const held = (usedByOwner.get(owner) ?? 0) + bytes;
    if (held === 0) usedByOwner.delete(owner);
    else usedByOwner.set(owner, held);
  };

  const leaseOf = (owner: string, bytes: number): ByteLease => {
    let held = bytes;
    add(owner, bytes);
    const resize = (wanted: number): void => {
      add(owner, wanted - held);
      held = wanted;
    };
    return { resize, release: () => resize(0) };
  };

  return {
    limitBytes,
    usedBytes: () => used,
    take: (owner, bytes) => {
      if (used + bytes > limitBytes) return { ok: false, reason: 'all_taken' };
      if ((usedByOwner.get(owner) ?? 0) + bytes > shareBytes) return { ok: false, reason: 'share_taken' };
      return { ok: true, lease: leaseOf(owner, bytes) };
    },
  };
}
