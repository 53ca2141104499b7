import type { Segment } from './segment.ts';

/** The running numbers of events: 1, 2, 3, … for each tenant in each segment. */
export interface Numbering {
  next(segment: Segment, tenantId: string): number;
  /** The tenant's next event uses up one number more, for one that was lost before it was kept. */
  skip(tenantId: string): void;
}

/** I8: so many tenants are remembered; of others, the disk knows where they stand. */
const countedTenantsMax = 100_000;

export function createNumbering(): Numbering {
  let last = new Map<string, number>();
  let counted: Segment | undefined;
  const skipped = new Map<string, number>();

  return {
    next(segment, tenantId) {
      if (segment !== counted || last.size >= countedTenantsMax) last = new Map();
      counted = segment;
      const number = (last.get(tenantId) ?? segment.counterOf(tenantId)) + 1 + (skipped.get(tenantId) ?? 0);
      skipped.delete(tenantId);
      last.set(tenantId, number);
      return number;
    },
    skip(tenantId) {
      if (skipped.size >= countedTenantsMax) skipped.clear();
      skipped.set(tenantId, (skipped.get(tenantId) ?? 0) + 1);
    },
  };
}
