import { setTimeout as pause } from 'node:timers/promises';
import type { Receiver } from '@docket/testkit';
import type { DocketApi } from './docket-api.ts';
import { percentile } from './percentile.ts';
import type { Performed } from './saas-client.ts';

/** Between two looks: what a measured time may be too long by. */
const lookIntervalMs = 20;

export interface FreshnessWatch {
  /** Begins to look for the event of a request. */
  expect(performed: Performed): void;
  /** Resolves when every expected event has been found; rejects at the deadline, naming how many were not. */
  allFound(deadlineMs: number): Promise<void>;
  /** ms from the request to the answer that showed its event. */
  samplesMs(): number[];
  stop(): Promise<void>;
}

/** Looks at the newest page of each tenant that something is missing of, again and again, as a user would who waits for an event to appear. */
export function watchFreshness(api: DocketApi): FreshnessWatch {
  const missing = new Map<string, Performed>();
  const samples: number[] = [];
  const stopping = new AbortController();
  let failure: unknown;

  async function look(tenantId: string): Promise<void> {
    const page = await api.must<{ data: { context?: { request_id?: string } }[] }>(
      'GET',
      `/v1/events?tenant_id=${tenantId}&limit=100`,
    );
    const seenAtMs = Date.now();
    for (const event of page.data) {
      const requestId = event.context?.request_id ?? '';
      const performed = missing.get(requestId);
      if (performed === undefined) continue;
      samples.push(seenAtMs - performed.sentAtMs);
      missing.delete(requestId);
    }
  }

  async function lookOn(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const tenants = new Set([...missing.values()].map(({ tenantId }) => tenantId));
        await Promise.all([...tenants].map(look));
      } catch (error) {
        failure = error;
      }
      await pause(lookIntervalMs);
    }
  }

  const looking = lookOn();
  return {
    expect: (performed) => void missing.set(performed.requestId, performed),
    async allFound(deadlineMs) {
      const giveUpAtMs = Date.now() + deadlineMs;
      while (missing.size > 0) {
        if (Date.now() > giveUpAtMs) {
          throw new Error(`${missing.size} events are not queryable after ${deadlineMs} ms`, { cause: failure });
        }
        await pause(lookIntervalMs);
      }
    },
    samplesMs: () => samples,
    async stop() {
      stopping.abort();
      await looking;
    },
  };
}

/** ms from each request to the arrival of its event at a receiver; requests whose event has not come are left out. */
export function receivedSamplesMs(receiver: Receiver, performed: readonly Performed[]): number[] {
  const sentAtMs = new Map(performed.map((one) => [one.requestId, one.sentAtMs]));
  const samples = new Map<string, number>();
  for (const request of receiver.accepted()) {
    const body: { data: { events: { context?: { request_id?: string } }[] } } = JSON.parse(request.body.toString());
    for (const event of body.data.events) {
      const requestId = event.context?.request_id ?? '';
      const sent = sentAtMs.get(requestId);
      if (sent !== undefined && !samples.has(requestId)) samples.set(requestId, request.arrivedAtMs - sent);
    }
  }
  return [...samples.values()];
}

export function shownPercentiles(samplesMs: readonly number[]): string {
  return `p50 ${percentile(samplesMs, 50)} ms, p99 ${percentile(samplesMs, 99)} ms (${samplesMs.length} events)`;
}
