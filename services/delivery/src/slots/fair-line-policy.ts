/** What waits for its turn. */
export interface Waiting {
  readonly id: string;
  readonly tenantId: string;
  /** What it will take, in bytes. */
  readonly costBytes: number;
}

/**
 * Those who wait, by deficit round robin (Shreedhar, Varghese 1995) over tenants, and inside a tenant over its subscriptions: a turn is worth a quantum of bytes, a
 * request begins when the turns of its tenant and its own have come up for it, and what is left counts for the next, as long as anybody waits. So neither many
 * subscriptions nor large batches get a tenant more than its part while others wait, and alone it waits for nothing.
 */
export interface FairLine<Request extends Waiting> {
  /** Once for each id; the newest request counts, and keeps the place of the one before. */
  put(request: Request): void;
  remove(id: string): void;
  /** The next in turn of those that may begin; the others keep their places. */
  take(mayBegin: (request: Request) => boolean): Request | undefined;
  size(): number;
}

/** What a turn is worth: a batch of a hundred events of common size. Larger ones wait for several turns. */
export const quantumBytes = 64 * 1024;

interface Turns<Request> {
  request: Request;
  deficitBytes: number;
}

interface TenantTurns<Request> {
  deficitBytes: number;
  readonly line: Map<string, Turns<Request>>;
}

export function createFairLine<Request extends Waiting>(): FairLine<Request> {
  /** In the order of their turns. */
  const tenants = new Map<string, TenantTurns<Request>>();
  const tenantOf = new Map<string, string>();
  /** What those who do not wait just now have left, by tenant and by subscription. */
  const saved = { tenants: new Map<string, number>(), subscriptions: new Map<string, number>() };

  const remove = (id: string): void => {
    const tenantId = tenantOf.get(id);
    if (tenantId === undefined) return;
    tenantOf.delete(id);
    const tenant = tenants.get(tenantId);
    tenant?.line.delete(id);
    if (tenant?.line.size === 0) tenants.delete(tenantId);
  };

  return {
    put: (request) => {
      const { id, tenantId } = request;
      if (tenantOf.get(id) !== tenantId) remove(id);
      const tenant = tenants.get(tenantId) ?? {
        deficitBytes: saved.tenants.get(tenantId) ?? 0,
        line: new Map<string, Turns<Request>>(),
      };
      tenants.set(tenantId, tenant);
      tenantOf.set(id, tenantId);
      const known = tenant.line.get(id);
      if (known === undefined) tenant.line.set(id, { request, deficitBytes: saved.subscriptions.get(id) ?? 0 });
      else known.request = request;
    },
    remove,
    take: (mayBegin) => {
      // Whoever has had a turn goes behind all others, and comes up again in this same loop; it ends, for turns add up.
      for (const [tenantId, tenant] of tenants) {
        const turns = nextOf(tenant.line, mayBegin);
        if (turns === undefined) continue;
        const { request } = turns;
        toTheEnd(tenants, tenantId, tenant);
        tenant.deficitBytes += quantumBytes;
        if (tenant.deficitBytes < request.costBytes) continue;
        tenant.deficitBytes = left(tenant, request);
        saved.tenants.set(tenantId, tenant.deficitBytes);
        saved.subscriptions.set(request.id, left(turns, request));
        remove(request.id);
        if (tenants.size === 0) for (const known of Object.values(saved)) known.clear();
        return request;
      }
      return undefined;
    },
    size: () => tenantOf.size,
  };
}

/** Of one tenant. It stays in the line until its tenant's turns have come up for it, too. */
function nextOf<Request extends Waiting>(
  line: Map<string, Turns<Request>>,
  mayBegin: (request: Request) => boolean,
): Turns<Request> | undefined {
  for (const [id, turns] of line) {
    const { request } = turns;
    if (!mayBegin(request)) continue;
    if (turns.deficitBytes >= request.costBytes) return turns;
    turns.deficitBytes += quantumBytes;
    if (turns.deficitBytes >= request.costBytes) return turns;
    toTheEnd(line, id, turns);
  }
  return undefined;
}

function toTheEnd<Value>(line: Map<string, Value>, key: string, value: Value): void {
  line.delete(key);
  line.set(key, value);
}

/** No more than a turn is saved up. */
function left({ deficitBytes }: { readonly deficitBytes: number }, { costBytes }: Waiting): number {
  return Math.min(quantumBytes, deficitBytes - costBytes);
}
