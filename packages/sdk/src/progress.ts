export type FlushOutcome = { ok: true } | { ok: false; reason: 'deadline'; pending: number };

export interface Progress {
  /** An event of the tenant is kept: it is settled one day. */
  queued(tenantId: string): void;
  /** The oldest event of the tenant is settled. */
  settled(tenantId: string): void;
  /** Something that was queued will never be settled. */
  lost(): void;
  /** Waits until all that is queued now is settled, at most for `deadlineMs`. */
  reached(deadlineMs: number): Promise<FlushOutcome>;
}

/** How many events of whom. */
type Counts = Map<string, number>;

/**
 * What is queued and not settled yet. The events of a tenant are settled in the order in which they were queued, and may be passed by those of others: a
 * count for each tenant does. I8: no larger than the spool, for a tenant of whom nothing is queued is not in it.
 */
export function createProgress(): Progress {
  const pending: Counts = new Map();
  const waiters = new Set<{ left: Counts; done: () => void }>();
  let isLost = false;

  return {
    queued: (tenantId) => void pending.set(tenantId, (pending.get(tenantId) ?? 0) + 1),
    settled(tenantId) {
      takeOne(pending, tenantId);
      // What is settled may stand behind what never is.
      if (isLost) return;
      for (const { left, done } of waiters) {
        takeOne(left, tenantId);
        if (left.size === 0) done();
      }
    },
    lost() {
      isLost = true;
    },
    reached(deadlineMs) {
      if (pending.size === 0) return Promise.resolve({ ok: true });
      return new Promise((resolve) => {
        const left = new Map(pending);
        const finish = (outcome: FlushOutcome): void => {
          clearTimeout(timer);
          waiters.delete(waiter);
          resolve(outcome);
        };
        const waiter = { left, done: () => finish({ ok: true }) };
        const expire = (): void => finish({ ok: false, reason: 'deadline', pending: totalOf(left) });
        const timer = setTimeout(expire, deadlineMs);
        waiters.add(waiter);
      });
    },
  };
}

function takeOne(counts: Counts, tenantId: string): void {
  const count = counts.get(tenantId);
  if (count === undefined) return;
  if (count === 1) counts.delete(tenantId);
  else counts.set(tenantId, count - 1);
}

function totalOf(counts: Counts): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}
