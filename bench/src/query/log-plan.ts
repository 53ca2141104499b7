import { partitionOf } from '@docket/event';

/** One tenant's part of the generated log. */
export interface PlannedTenant {
  readonly tenantId: string;
  readonly partition: number;
  readonly rows: number;
  /** How many different actors and resources it has. */
  readonly actors: number;
}

/** The rows of one tenant in one slice of time: seqs and offsets run on from slice to slice (I3). */
export interface PlannedRun {
  readonly tenant_id: string;
  readonly tenant_number: number;
  readonly slice: number;
  readonly src_partition: number;
  readonly seq_from: number;
  readonly run_rows: number;
  readonly offset_from: number;
  readonly tenant_rows: number;
  readonly actors: number;
}

export const tenantsCount = 1_000;
export const slicesCount = 60;
const partitions = 12;
const largestShare = 0.1;

/** 1,000 tenants: the largest has a tenth of all rows, the others less and less, the smallest some thousand. */
export function planTenants(rows: number): PlannedTenant[] {
  const weights = Array.from({ length: tenantsCount - 1 }, (_, index) => (index + 10) ** -0.8);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const sizes = [rows * largestShare, ...weights.map((weight) => (weight / sum) * rows * (1 - largestShare))];
  return sizes.map((size, number) => {
    const tenantId = `tenant-${number}`;
    const own = Math.max(1, Math.round(size));
    return {
      tenantId,
      partition: partitionOf(tenantId, partitions),
      rows: own,
      actors: Math.max(5, Math.round(own ** 0.6)),
    };
  });
}

/** Slice after slice, as time goes on: every part that is inserted holds all tenants, as the ingestor's blocks do. */
export function planRuns(tenants: readonly PlannedTenant[]): PlannedRun[] {
  const nextOffset = new Map<number, number>();
  const runs: PlannedRun[] = [];
  for (let slice = 0; slice < slicesCount; slice += 1) {
    for (const [number, { tenantId, partition, rows, actors }] of tenants.entries()) {
      const from = Math.floor((rows * slice) / slicesCount);
      const count = Math.floor((rows * (slice + 1)) / slicesCount) - from;
      if (count === 0) continue;
      const offset = nextOffset.get(partition) ?? 0;
      nextOffset.set(partition, offset + count);
      runs.push({
        tenant_id: tenantId,
        tenant_number: number,
        slice,
        src_partition: partition,
        seq_from: from + 1,
        run_rows: count,
        offset_from: offset,
        tenant_rows: rows,
        actors,
      });
    }
  }
  return runs;
}
