import { setTimeout as pause } from 'node:timers/promises';

/** One tenant's SIEM that pulls: what it has been given, in that order. */
export interface FeedFollower {
  readonly ids: readonly string[];
  /** Broken promises of the feed. */
  readonly problems: readonly string[];
  /** Answers other than 200, and none at all: services are dying. */
  readonly failures: () => number;
  readonly lastFailure: () => unknown;
  stop(): Promise<void>;
}

interface Page {
  readonly data: readonly { readonly id: string; readonly seq: number }[];
  readonly skipped: Readonly<Record<string, number>>;
  readonly next_after: number;
}

const waitSeconds = 1;
const answerMsMax = 15_000;
const againAfterMs = 300;

/** Follows GET /v1/feed from the log's beginning, as a puller does that trusts nothing but what an answer accounts for. */
export function followFeed(url: string, key: string, tenantId: string): FeedFollower {
  const stopping = new AbortController();
  const ids: string[] = [];
  const problems: string[] = [];
  let after = 0;
  let failures = 0;
  let lastFailure: unknown;

  const ask = async (): Promise<Page> => {
    const response = await fetch(`${url}/v1/feed?tenant_id=${tenantId}&after=${after}&limit=500&wait=${waitSeconds}`, {
      headers: { authorization: `Bearer ${key}` },
      signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(answerMsMax)]),
    });
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    return (await response.json()) as Page;
  };

  const take = ({ data, skipped, next_after }: Page): void => {
    const told = data.length + Object.values(skipped).reduce((sum, one) => sum + one, 0);
    if (told !== next_after - after)
      problems.push(`after ${after}: ${told} records are told of, next_after is ${next_after}`);
    let last = after;
    for (const { id, seq } of data) {
      if (seq <= last || seq > next_after) problems.push(`seq ${seq} behind ${last}, next_after ${next_after}`);
      last = seq;
      ids.push(id);
    }
    after = next_after;
  };

  const following = (async () => {
    while (!stopping.signal.aborted) {
      try {
        take(await ask());
      } catch (error) {
        lastFailure = error;
        failures += 1;
        await pause(againAfterMs);
      }
    }
  })();

  return {
    ids,
    problems,
    failures: () => failures,
    lastFailure: () => lastFailure,
    stop: async () => {
      stopping.abort();
      await following;
    },
  };
}
