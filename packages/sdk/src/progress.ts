export type FlushOutcome = { ok: true } | { ok: false; reason: 'deadline'; pending: number };

export interface Progress {
  queued(events: number): void;
  settled(): void;
  /** Waits until all that is queued now is settled, at most for `deadlineMs`. */
  reached(deadlineMs: number): Promise<FlushOutcome>;
}

/** How many events were queued and settled. They are settled in the order in which they were queued, so two counts do. */
export function createProgress(): Progress {
  const waiters = new Set<{ upTo: number; done: () => void }>();
  let queued = 0;
  let settled = 0;

  return {
    queued(events) {
      queued += events;
    },
    settled() {
      settled += 1;
      for (const waiter of waiters) if (waiter.upTo <= settled) waiter.done();
    },
    reached(deadlineMs) {
      const upTo = queued;
      if (settled >= upTo) return Promise.resolve({ ok: true });
      return new Promise((resolve) => {
        const finish = (outcome: FlushOutcome): void => {
          clearTimeout(timer);
          waiters.delete(waiter);
          resolve(outcome);
        };
        const waiter = { upTo, done: () => finish({ ok: true }) };
        const expire = (): void => finish({ ok: false, reason: 'deadline', pending: upTo - settled });
        const timer = setTimeout(expire, deadlineMs);
        waiters.add(waiter);
      });
    },
  };
}
