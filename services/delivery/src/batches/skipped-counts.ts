/** Why a seq of the log has no event in a batch. The names are the envelope's. */
const skipReasons = ['filtered', 'duplicate', 'quarantined', 'parked', 'expired', 'operator_skipped', 'lost'] as const;

/** How many seqs have no event, by reason. */
export type SkippedCounts = Readonly<Record<(typeof skipReasons)[number], number>>;

export const noneSkipped: SkippedCounts = {
  filtered: 0,
  duplicate: 0,
  quarantined: 0,
  parked: 0,
  expired: 0,
  operator_skipped: 0,
  lost: 0,
};

export function sumSkipped(counts: SkippedCounts): number {
  return skipReasons.reduce((sum, reason) => sum + counts[reason], 0);
}

/** Absent reasons are 0. Undefined for what are no counts. */
export function parseSkipped(value: unknown): SkippedCounts | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found = new Map(Object.entries(value));
  const counts = { ...noneSkipped };
  for (const reason of skipReasons) {
    const count: unknown = found.get(reason) ?? 0;
    if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0) return undefined;
    counts[reason] = count;
  }
  return counts;
}
