import { eventOfLogReading, idFromIdempotencyKey, operatorsLog, type EventInput } from '@docket/event';
import { allLogs } from '../gate/tenant-lock-policy.ts';
import type { TrailTelling } from './trail-windows.ts';

/**
 * The event that tells a first reading, or all repeats of it. The same telling is the same event, id included, so that one
 * that is published twice is a duplicate. `metadata.reads` over all events is the number of readings.
 */
export function eventOfTelling({ window, of }: TrailTelling): EventInput & { readonly id: string } {
  const { id, entry, openedAtMs, lastAtMs, repeats } = window;
  const log = logOfTrail(entry.log);
  const isFirst = of === 'first';
  const resources = [
    ...(entry.eventId === null ? [] : [{ type: 'event', id: entry.eventId }]),
    { type: 'log', id: entry.log },
  ];
  return eventOfLogReading({
    id: isFirst ? id : idFromIdempotencyKey(log, id, 1),
    log,
    kind: entry.kind,
    atMs: isFirst ? openedAtMs : lastAtMs,
    actor: entry.actor,
    credential: entry.credential,
    resources,
    origin: entry,
    service: 'docket-query',
    asked: entry.asked,
    results: entry.results,
    reads: isFirst ? 1 : repeats,
    repeatsOf: isFirst ? null : id,
  });
}

/**
 * The same without the texts that came from a caller, marked `is_shortened`: for a telling that is otherwise no valid event. It occurs when it arrives, and
 * `read_at` is when it was read: that may be a day ahead of a clock that was set back.
 */
export function shortEventOfTelling({ window, of }: TrailTelling): EventInput & { readonly id: string } {
  const entry = { ...window.entry, asked: {}, results: null, ip: '', userAgent: '', requestId: '' };
  const { occurred_at: readAt = '', ...event } = eventOfTelling({ window: { ...window, entry }, of });
  return { ...event, metadata: { ...event.metadata, is_shortened: true, read_at: readAt } };
}

/** Where a reading of a log is told: in that log, so that its owner sees it. What is no tenant's log takes no events of ours. */
export function logOfTrail(log: string): string {
  return log.startsWith('!') || log === allLogs ? operatorsLog : log;
}
