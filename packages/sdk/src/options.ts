import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Source } from './event-input.ts';

/** Why an event is not (or not yet) in the log. */
export type FailureReason =
  /** It lacks what no event can do without, or has no JSON form. Nothing was sent. */
  | 'invalid'
  /** Longer than `batch.bytesMax`, or the queue is full. Nothing was sent. */
  | 'too_large'
  | 'queue_full'
  /** After `close()`. Nothing was sent. */
  | 'closed'
  /** The gateway will not take this event; it is out of the queue. `detail` names the field. */
  | 'refused'
  /** The address or the key is wrong. The event stays queued. */
  | 'misconfigured'
  /** No answer, or the gateway is busy. The event stays queued and is sent again. */
  | 'unavailable'
  /** Not confirmed within the deadline. The event stays queued and may still appear: repeat it with the same id. */
  | 'deadline';

export interface Failure {
  reason: FailureReason;
  detail: string;
  /** The event's id, if there is one; absent for a failure of a whole request. */
  id?: string | undefined;
}

export interface DocketOptions {
  /** Where the gateway is, such as https://docket.example.com. */
  url: string;
  /** An API key with the scope events:write: `dk_<id>_<secret>`. */
  key: string;
  /** The tenant of events that name none. */
  tenantId?: string | undefined;
  /** What records. `instance` defaults to the host name and a random part, new for each process. */
  source: Source;
  /** Default 10 000 events and 64 MiB of JSON: what may be lost with the process, and what it may cost in memory. */
  queue?: { eventsMax?: number; bytesMax?: number } | undefined;
  /** Of one request. Default 200 events (at most 1000) and 1 MiB. */
  batch?: { eventsMax?: number; bytesMax?: number } | undefined;
  /** Of repeated requests, with full jitter. Default 200 ms, doubling up to 15 s. */
  retry?: { baseDelayMs?: number; maxDelayMs?: number } | undefined;
  /** For one whole request, answer included. Default 10 s. */
  requestTimeoutMs?: number | undefined;
  /** Told of everything that is lost, refused or delayed; may be async. Default: a process warning, at most one a minute for each reason. */
  onFailure?: ((failure: Failure) => unknown) | undefined;
}

/** The options with every default filled in. Throws TypeError for what can never work: a mistake to find at start. */
export function resolveOptions(options: DocketOptions) {
  if (!URL.canParse(options.url) || !/^https?:$/.test(new URL(options.url).protocol)) {
    throw new TypeError(`createDocket: url is no http(s) URL: ${options.url}`);
  }
  if (options.key === '') throw new TypeError('createDocket: key is empty');
  return {
    url: options.url,
    key: options.key,
    tenantId: options.tenantId,
    source: { ...options.source, instance: options.source.instance ?? newInstance() },
    queue: {
      eventsMax: atLeastOne('queue.eventsMax', options.queue?.eventsMax ?? 10_000),
      bytesMax: atLeastOne('queue.bytesMax', options.queue?.bytesMax ?? 64 * 1024 * 1024),
    },
    batch: {
      eventsMax: Math.min(1000, atLeastOne('batch.eventsMax', options.batch?.eventsMax ?? 200)),
      bytesMax: atLeastOne('batch.bytesMax', options.batch?.bytesMax ?? 1024 * 1024),
    },
    retry: {
      baseDelayMs: atLeastOne('retry.baseDelayMs', options.retry?.baseDelayMs ?? 200),
      maxDelayMs: atLeastOne('retry.maxDelayMs', options.retry?.maxDelayMs ?? 15_000),
    },
    requestTimeoutMs: atLeastOne('requestTimeoutMs', options.requestTimeoutMs ?? 10_000),
    onFailure: options.onFailure ?? warnOnFailure(),
  };
}

function atLeastOne(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new TypeError(`createDocket: ${name} is no positive integer: ${value}`);
  return value;
}

/** Unique for each process, so that `source.counter` counts within it. */
function newInstance(): string {
  return `${hostname()}-${randomBytes(4).toString('hex')}`;
}

const warningIntervalMs = 60_000;

function warnOnFailure(): (failure: Failure) => void {
  const lastAtMs = new Map<FailureReason, number>();
  return ({ reason, detail, id }) => {
    const nowMs = Date.now();
    if (nowMs - (lastAtMs.get(reason) ?? -Infinity) < warningIntervalMs) return;
    lastAtMs.set(reason, nowMs);
    const what = id === undefined ? 'audit events are delayed' : `audit event ${id}`;
    process.emitWarning(`${what}: ${reason}: ${detail}`, {
      type: 'DocketWarning',
      code: `DOCKET_${reason.toUpperCase()}`,
    });
  };
}
