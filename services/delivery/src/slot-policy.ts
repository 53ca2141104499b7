/**
 * Pools of requests under way. A healthy subscription never waits for one that fails or catches up: bad rate × time-out fills only the pool of the bad
 * (I7). A receiver that has just begun to be slow is not known as bad yet: its request leaves its pool for `slow` as soon as it has taken too long, so
 * that however many hang at once, the pool is free again after that time. Inside a pool tenants take turns, and none has more than its share.
 */
export type Pool = 'live' | 'catch_up' | 'failing';

export interface SlotLimits {
  readonly perPool: Readonly<Record<Pool | 'slow', number>>;
  /** Requests of one tenant under way in one pool. */
  readonly perTenant: number;
  /** The same for requests that have become slow. */
  readonly perTenantSlow: number;
  /** From when it was sent to when a request counts as slow. */
  readonly slowAfterMs: number;
  /** Requests to failing receivers that begin in a second: thousands of dead ones, each tried now and then, would take the processor from the healthy. */
  readonly failingPerSecond: number;
}

export interface SlotRequest {
  readonly id: string;
  readonly tenantId: string;
  readonly pool: Pool;
}

export interface Slots {
  ask(request: SlotRequest): void;
  /** What holds a slot has now sent its request: from here on only the receiver is waited for. */
  sent(id: string, nowMs: number): void;
  /** Takes slow requests out of their pools, as many as `slow` has room for; true when that made room. */
  setSlowApart(nowMs: number): boolean;
  /** Gives back what was granted; no-op otherwise. */
  release(id: string): void;
  cancel(id: string): void;
  /** Takes the requests that may begin now, in order; each holds its slot until released. Time alone may make room for failing ones. */
  grant(nowMs: number): SlotRequest[];
  /** I8: how full each pool is, and how many wait. */
  stats(): Readonly<Record<Pool | 'slow', { readonly held: number; readonly waiting: number }>>;
}

interface Held {
  readonly request: SlotRequest;
  pool: Pool | 'slow';
  sentAtMs: number | null;
}

/** Those who wait in one pool: tenants in the order of their turns, each with its requests in the order of their asking. */
type Line = Map<string, Map<string, SlotRequest>>;

const pools = ['live', 'catch_up', 'failing'] as const satisfies readonly Pool[];

export function createSlots(limits: SlotLimits): Slots {
  const lines: Record<Pool, Line> = { live: new Map(), catch_up: new Map(), failing: new Map() };
  /** Where each request waits. */
  const waiting = new Map<string, SlotRequest>();
  const held = new Map<string, Held>();
  const heldInPool: Record<Pool | 'slow', number> = { live: 0, catch_up: 0, failing: 0, slow: 0 };
  const heldByTenant = new Map<string, number>();

  const failing = createAllowance(limits.failingPerSecond);

  const shareOf = (pool: Pool | 'slow', tenantId: string): number => heldByTenant.get(`${pool} ${tenantId}`) ?? 0;
  const count = (pool: Pool | 'slow', tenantId: string, change: 1 | -1): void => {
    heldInPool[pool] += change;
    const left = shareOf(pool, tenantId) + change;
    if (left === 0) heldByTenant.delete(`${pool} ${tenantId}`);
    else heldByTenant.set(`${pool} ${tenantId}`, left);
  };

  const leaveLine = (id: string): void => {
    const request = waiting.get(id);
    if (request === undefined) return;
    waiting.delete(id);
    const line = lines[request.pool];
    const ofTenant = line.get(request.tenantId);
    ofTenant?.delete(id);
    if (ofTenant?.size === 0) line.delete(request.tenantId);
  };

  /** Of the next tenant in turn that has a share left. */
  const next = (pool: Pool): SlotRequest | undefined => {
    for (const [tenantId, ofTenant] of lines[pool]) {
      if (shareOf(pool, tenantId) >= limits.perTenant) continue;
      for (const request of ofTenant.values()) if (!held.has(request.id)) return request;
    }
    return undefined;
  };

  const take = (request: SlotRequest): void => {
    const { id, tenantId, pool } = request;
    leaveLine(id);
    const rest = lines[pool].get(tenantId);
    if (rest !== undefined) {
      // Its next turn is behind everybody else's.
      lines[pool].delete(tenantId);
      lines[pool].set(tenantId, rest);
    }
    held.set(id, { request, pool, sentAtMs: null });
    count(pool, tenantId, 1);
  };

  return {
    ask: (request) => {
      leaveLine(request.id);
      waiting.set(request.id, request);
      const line = lines[request.pool];
      const ofTenant = line.get(request.tenantId) ?? new Map<string, SlotRequest>();
      line.set(request.tenantId, ofTenant.set(request.id, request));
    },
    sent: (id, nowMs) => {
      const holder = held.get(id);
      if (holder !== undefined) holder.sentAtMs = nowMs;
    },
    setSlowApart: (nowMs) => {
      let hasMadeRoom = false;
      for (const holder of held.values()) {
        const { request, pool, sentAtMs } = holder;
        if (pool === 'slow' || sentAtMs === null || nowMs - sentAtMs < limits.slowAfterMs) continue;
        if (heldInPool.slow >= limits.perPool.slow) break;
        if (shareOf('slow', request.tenantId) >= limits.perTenantSlow) continue;
        count(pool, request.tenantId, -1);
        count('slow', request.tenantId, 1);
        holder.pool = 'slow';
        hasMadeRoom = true;
      }
      return hasMadeRoom;
    },
    cancel: leaveLine,
    release: (id) => {
      const holder = held.get(id);
      if (holder === undefined) return;
      held.delete(id);
      count(holder.pool, holder.request.tenantId, -1);
    },
    grant: (nowMs) => {
      const granted: SlotRequest[] = [];
      failing.refill(nowMs);
      for (const pool of pools) {
        while (heldInPool[pool] < limits.perPool[pool]) {
          const request = pool === 'failing' && failing.isSpent() ? undefined : next(pool);
          if (request === undefined) break;
          take(request);
          if (pool === 'failing') failing.spend();
          granted.push(request);
        }
      }
      return granted;
    },
    stats: () => {
      const waitingIn = (pool: Pool): number => [...lines[pool].values()].reduce((sum, { size }) => sum + size, 0);
      const statsOf = (pool: Pool): { held: number; waiting: number } => ({
        held: heldInPool[pool],
        waiting: waitingIn(pool),
      });
      return {
        live: statsOf('live'),
        catch_up: statsOf('catch_up'),
        failing: statsOf('failing'),
        slow: { held: heldInPool.slow, waiting: 0 },
      };
    },
  };
}

/** So many a second, and as many at once as come together in half a second without any. */
function createAllowance(perSecond: number): { refill(nowMs: number): void; isSpent(): boolean; spend(): void } {
  const most = Math.max(1, perSecond / 2);
  let left = most;
  let refilledAtMs = Number.NaN;
  return {
    refill: (nowMs) => {
      // The clock may have been set back.
      const passedMs = Number.isNaN(refilledAtMs) ? 0 : Math.max(0, nowMs - refilledAtMs);
      left = Math.min(most, left + (passedMs * perSecond) / 1_000);
      refilledAtMs = nowMs;
    },
    isSpent: () => left < 1,
    spend: () => {
      left -= 1;
    },
  };
}
