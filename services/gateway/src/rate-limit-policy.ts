/** Over so many seconds a quota is counted: who was silent for as long may send it at once, as an SDK does after an outage. */
export const windowSeconds = 10;

/** A token bucket: how many events may still be sent. Below 0 after a request larger than what was left. */
export interface Bucket {
  readonly level: number;
  readonly atMs: number;
}

export interface Limit {
  readonly eventsPerSecond: number;
}

/** One limit as a request meets it. */
export interface Standing {
  readonly name: 'key' | 'tenant';
  readonly limit: Limit;
  /** Now, before the request is counted. */
  readonly level: number;
  readonly events: number;
  /** Of the request, counted before; they are no longer in the level. */
  readonly paidEvents: number;
}

export function quotaOf({ eventsPerSecond }: Limit): number {
  return eventsPerSecond * windowSeconds;
}

/** What is in a bucket now; one that is not known yet is full. */
export function levelOf(bucket: Bucket | undefined, limit: Limit, nowMs: number): number {
  const quota = quotaOf(limit);
  if (bucket === undefined) return quota;
  return Math.min(quota, bucket.level + (Math.max(0, nowMs - bucket.atMs) / 1000) * limit.eventsPerSecond);
}

/** A request larger than the whole quota passes when the bucket is full, and is paid for afterwards: it would never pass otherwise. */
export function fits(standing: Standing): boolean {
  return standing.level >= neededOf(standing);
}

function neededOf({ limit, events, paidEvents }: Standing): number {
  return Math.min(events, quotaOf(limit) - paidEvents);
}

/** Whole seconds until it fits when it is sent, and paid for, again; at least 1. */
export function secondsUntilFit(standing: Standing): number {
  const { level, limit, paidEvents } = standing;
  return Math.max(1, Math.ceil((neededOf(standing) + paidEvents - level) / limit.eventsPerSecond));
}

/**
 * `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10): of each limit its quota and window, what is left of it, and the seconds
 * until all of it is there again. Of several tenants in one request the one with the least left is told.
 */
export function rateLimitHeaders(standings: readonly Standing[]): Record<string, string> {
  const least = new Map<string, Standing>();
  for (const standing of standings) {
    const known = least.get(standing.name);
    if (known === undefined || leftOf(standing) < leftOf(known)) least.set(standing.name, standing);
  }
  const told = [...least.values()];
  if (told.length === 0) return {};
  return {
    'RateLimit-Policy': told
      .map(({ name, limit }) => `"${name}";q=${quotaOf(limit)};qu="events";w=${windowSeconds}`)
      .join(', '),
    RateLimit: told
      .map((standing) => {
        const left = leftOf(standing);
        const refillSeconds = Math.ceil((quotaOf(standing.limit) - left) / standing.limit.eventsPerSecond);
        return `"${standing.name}";r=${Math.max(0, Math.floor(left))};t=${refillSeconds}`;
      })
      .join(', '),
  };
}

/** After the request, where it passes. */
function leftOf(standing: Standing): number {
  return fits(standing) ? standing.level - standing.events : standing.level;
}
