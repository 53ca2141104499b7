/**
 * Three pools of requests under way. A healthy subscription never waits for one that fails or catches up: bad rate × time-out fills only the pool of the
 * bad (I7). Inside a pool: first come, first served, but no tenant more than its share.
 */
export type Pool = 'live' | 'catch_up' | 'failing';

export interface SlotLimits {
  readonly perPool: Readonly<Record<Pool, number>>;
  /** Requests of one tenant under way in one pool. */
  readonly perTenant: number;
}

export interface SlotRequest {
  readonly id: string;
  readonly tenantId: string;
  readonly pool: Pool;
}

export interface Slots {
  ask(request: SlotRequest): void;
  /** Gives back what was granted; no-op otherwise. */
  release(id: string): void;
  cancel(id: string): void;
  /** Takes the requests that may begin now, in order; each holds its slot until released. */
  grant(): SlotRequest[];
  /** I8: how full each pool is, and how many wait. */
  stats(): Readonly<Record<Pool, { readonly held: number; readonly waiting: number }>>;
}

const pools = ['live', 'catch_up', 'failing'] as const satisfies readonly Pool[];

export function createSlots(limits: SlotLimits): Slots {
  const waiting: Record<Pool, Map<string, SlotRequest>> = { live: new Map(), catch_up: new Map(), failing: new Map() };
  const held = new Map<string, SlotRequest>();
  const heldInPool: Record<Pool, number> = { live: 0, catch_up: 0, failing: 0 };
  const heldByTenant = new Map<string, number>();
  const share = ({ pool, tenantId }: SlotRequest): string => `${pool} ${tenantId}`;

  const take = (request: SlotRequest): void => {
    waiting[request.pool].delete(request.id);
    held.set(request.id, request);
    heldInPool[request.pool] += 1;
    heldByTenant.set(share(request), (heldByTenant.get(share(request)) ?? 0) + 1);
  };

  return {
    ask: (request) => {
      for (const pool of pools) waiting[pool].delete(request.id);
      waiting[request.pool].set(request.id, request);
    },
    cancel: (id) => {
      for (const pool of pools) waiting[pool].delete(id);
    },
    release: (id) => {
      const request = held.get(id);
      if (request === undefined) return;
      held.delete(id);
      heldInPool[request.pool] -= 1;
      const left = (heldByTenant.get(share(request)) ?? 1) - 1;
      if (left === 0) heldByTenant.delete(share(request));
      else heldByTenant.set(share(request), left);
    },
    grant: () => {
      const granted: SlotRequest[] = [];
      for (const pool of pools) {
        for (const request of waiting[pool].values()) {
          if (heldInPool[pool] >= limits.perPool[pool]) break;
          if ((heldByTenant.get(share(request)) ?? 0) >= limits.perTenant || held.has(request.id)) continue;
          take(request);
          granted.push(request);
        }
      }
      return granted;
    },
    stats: () => {
      const statsOf = (pool: Pool): { held: number; waiting: number } => ({
        held: heldInPool[pool],
        waiting: waiting[pool].size,
      });
      return { live: statsOf('live'), catch_up: statsOf('catch_up'), failing: statsOf('failing') };
    },
  };
}
