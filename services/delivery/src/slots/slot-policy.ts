import { createBudget, type Lease } from '@docket/runtime';
import { createFairLine } from './fair-line-policy.ts';
import type { FairLine } from './fair-line-policy.ts';

/**
 * Pools of requests under way, so that nobody waits for the bad (I7): bad rate × time-out fills only the pool of the bad. live: the tail serves them and their
 * receivers take what they are sent · catch_up: the same, but ClickHouse serves them · unproven: their receivers have never acknowledged anything ·
 * doubtful: the last request failed, of those before it most did not · failing: the breaker is open.
 */
export const pools = ['live', 'catch_up', 'unproven', 'doubtful', 'failing'] as const;
export type Pool = (typeof pools)[number];

export interface SlotLimits {
  readonly perPool: Readonly<Record<Pool | 'slow', number>>;
  /** Requests of one tenant under way in one pool, and of these to one host. */
  readonly perTenant: number;
  readonly perHost: number;
  /** The same for requests that have become slow. */
  readonly perTenantSlow: number;
  readonly perHostSlow: number;
  /** I8: of the bodies of all that is under way, slow or not. */
  readonly bytesMax: number;
  /** So much, by `costBytes`, begins in a pool at a time, and one request at least: what begins together is made and sent at a stretch. */
  readonly atOnceBytes: number;
  /** From when it was sent to when others need not wait for it any more. */
  readonly slowAfterMs: number;
  /** Requests that fail in a second, in each of the pools unproven, doubtful and failing: thousands of dead receivers, each tried now and then, would take the processor from the healthy. */
  readonly failuresPerSecond: number;
}

export interface SlotRequest {
  readonly id: string;
  readonly tenantId: string;
  /** With its port, of the receiver. */
  readonly host: string;
  readonly pool: Pool;
  /** What it will send, as far as can be known. */
  readonly costBytes: number;
  /** The most that its bodies may take in memory, and that the first of them alone may. */
  readonly bytesMax: number;
  readonly leastBytes: number;
}

/** `isNarrow`: of the bodies that it asked for there is room for the first alone. */
export type Grant = SlotRequest & { readonly isNarrow: boolean };

export interface Slots {
  ask(request: SlotRequest): void;
  /** What holds a slot has now sent its request, whose bodies take so much: from here on only the receiver is waited for. */
  sent(id: string, nowMs: number, bytes: number): void;
  /** The receiver has not taken it. */
  failed(id: string): void;
  /** Gives back what was granted; no-op otherwise. */
  release(id: string): void;
  cancel(id: string): void;
  /**
   * Takes requests that may begin now, in the order of their turns; each holds its slot until released. When it gives some, there may be more. Time alone may
   * make room.
   */
  grant(nowMs: number): Grant[];
  /** I8: how full each pool is, and how many wait. */
  stats(): Readonly<Record<Pool | 'slow', { readonly held: number; readonly waiting: number }>>;
}

interface Held {
  readonly request: SlotRequest;
  sentAtMs: number | null;
  hasFailed: boolean;
  /** Of its bodies. */
  readonly lease: Lease;
}

/** What a tenant has under way in a pool. */
interface Share {
  held: number;
  readonly byHost: Map<string, number>;
}

const noShare = { held: 0, byHost: new Map<string, number>() } as const;

export function createSlots(limits: SlotLimits): Slots {
  const lines = byPool((): FairLine<SlotRequest> => createFairLine());
  const held = { ...byPool(() => new Map<string, Held>()), slow: new Map<string, Held>() };
  const allowances: Readonly<Record<Pool, Allowance | undefined>> = {
    live: undefined,
    catch_up: undefined,
    unproven: createAllowance(limits.failuresPerSecond),
    doubtful: createAllowance(limits.failuresPerSecond),
    failing: createAllowance(limits.failuresPerSecond),
  };
  /** By tenant. */
  const shares = { ...byPool(() => new Map<string, Share>()), slow: new Map<string, Share>() };
  /** Where each waits. */
  const waiting = new Map<string, Pool>();
  const poolOf = new Map<string, Pool | 'slow'>();

  const count = (pool: Pool | 'slow', { tenantId, host }: SlotRequest, change: 1 | -1): void => {
    const share = shares[pool].get(tenantId) ?? { held: 0, byHost: new Map<string, number>() };
    share.held += change;
    share.byHost.set(host, (share.byHost.get(host) ?? 0) + change);
    if (share.byHost.get(host) === 0) share.byHost.delete(host);
    if (share.held === 0) shares[pool].delete(tenantId);
    else shares[pool].set(tenantId, share);
  };
  const hasShare = (pool: Pool | 'slow', { tenantId, host }: SlotRequest): boolean => {
    const [perTenant, perHost] =
      pool === 'slow' ? [limits.perTenantSlow, limits.perHostSlow] : [limits.perTenant, limits.perHost];
    const { held: ofTenant, byHost } = shares[pool].get(tenantId) ?? noShare;
    return ofTenant < perTenant && (byHost.get(host) ?? 0) < perHost;
  };

  const bytes = createBudget(limits.bytesMax);
  /** I7: one request of each tenant always goes, which the pools bound. */
  const hasRoom = ({ tenantId }: SlotRequest, wanted: number): boolean =>
    bytes.used(tenantId) === 0 || bytes.refusalOf([tenantId], wanted) === undefined;

  const cancel = (id: string): void => {
    const pool = waiting.get(id);
    if (pool !== undefined) lines[pool].remove(id);
    waiting.delete(id);
  };

  const next = (pool: Pool): SlotRequest | undefined => {
    if (held[pool].size >= limits.perPool[pool]) return undefined;
    return lines[pool].take(
      (request) => !poolOf.has(request.id) && hasShare(pool, request) && hasRoom(request, request.leastBytes),
    );
  };

  const hold = (request: SlotRequest): Grant => {
    const { id, pool, tenantId } = request;
    waiting.delete(id);
    // A window must not wait until its tenant sends nothing else, which may be never.
    const isNarrow = !hasRoom(request, request.bytesMax);
    const lease = bytes.hold([tenantId], isNarrow ? request.leastBytes : request.bytesMax);
    held[pool].set(id, { request, sentAtMs: null, hasFailed: false, lease });
    poolOf.set(id, pool);
    count(pool, request, 1);
    allowances[pool]?.spend();
    return { ...request, isNarrow };
  };

  /**
   * Takes what has become slow out of its pool, as much as `slow` has room for. A receiver that begins to hang is not known as bad yet; so, however many do
   * at once, those who wait behind them wait no longer than this. True when that made room.
   */
  const setSlowApart = (pool: Pool, nowMs: number): boolean => {
    let hasMadeRoom = false;
    for (const [id, holder] of held[pool]) {
      const { request, sentAtMs } = holder;
      if (sentAtMs === null || nowMs - sentAtMs < limits.slowAfterMs) continue;
      if (held.slow.size >= limits.perPool.slow) break;
      if (!hasShare('slow', request)) continue;
      held[pool].delete(id);
      held.slow.set(id, holder);
      poolOf.set(id, 'slow');
      count(pool, request, -1);
      count('slow', request, 1);
      hasMadeRoom = true;
    }
    return hasMadeRoom;
  };

  const grantFrom = (pool: Pool, nowMs: number): Grant[] => {
    const granted: Grant[] = [];
    const allowance = allowances[pool];
    allowance?.refill(nowMs);
    let leftBytes = limits.atOnceBytes;
    while (leftBytes > 0 && lines[pool].size() > 0 && allowance?.isSpent() !== true) {
      const request = next(pool);
      if (request === undefined) {
        if (!setSlowApart(pool, nowMs)) break;
        continue;
      }
      granted.push(hold(request));
      leftBytes -= request.costBytes;
    }
    return granted;
  };

  return {
    ask: (request) => {
      if (waiting.get(request.id) !== request.pool) cancel(request.id);
      waiting.set(request.id, request.pool);
      lines[request.pool].put(request);
    },
    sent: (id, nowMs, sentBytes) => {
      const holder = held[poolOf.get(id) ?? 'slow'].get(id);
      if (holder === undefined) return;
      holder.sentAtMs = nowMs;
      holder.lease.resize(sentBytes);
    },
    failed: (id) => {
      const holder = held[poolOf.get(id) ?? 'slow'].get(id);
      if (holder !== undefined) holder.hasFailed = true;
    },
    cancel,
    release: (id) => {
      const pool = poolOf.get(id) ?? 'slow';
      const holder = held[pool].get(id);
      if (holder === undefined) return;
      held[pool].delete(id);
      poolOf.delete(id);
      count(pool, holder.request, -1);
      holder.lease.release();
      if (!holder.hasFailed) allowances[holder.request.pool]?.giveBack();
    },
    grant: (nowMs) => pools.flatMap((pool) => grantFrom(pool, nowMs)),
    stats: () => ({
      ...byPool((pool) => ({ held: held[pool].size, waiting: lines[pool].size() })),
      slow: { held: held.slow.size, waiting: 0 },
    }),
  };
}

function byPool<Value>(make: (pool: Pool) => Value): Record<Pool, Value> {
  return {
    live: make('live'),
    catch_up: make('catch_up'),
    unproven: make('unproven'),
    doubtful: make('doubtful'),
    failing: make('failing'),
  };
}

interface Allowance {
  refill(nowMs: number): void;
  isSpent(): boolean;
  spend(): void;
  giveBack(): void;
}

/** As many at once as come together in this time: more would hold up the process for longer than the healthy should notice. */
const burstMs = 50;

/** So many a second. What is spent ahead, and turns out not to fail, is given back: the healthy of a pool are not slowed down. */
function createAllowance(perSecond: number): Allowance {
  const most = Math.max(1, (perSecond * burstMs) / 1_000);
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
    giveBack: () => {
      left = Math.min(most, left + 1);
    },
  };
}
