import {
  contextOfOrigin,
  cutBytes,
  idFromIdempotencyKey,
  operatorsLog,
  rfc3339OfMillis,
  type EventInput,
} from '@docket/event';
import { allLogs } from '../tenant-lock-policy.ts';
import type { TrailTelling } from './trail-windows.ts';

/** A metadata value takes 2,048 bytes; a longer text continues under `<name>.2`, `<name>.3`, … */
const pieceBytesMax = 2_048;

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
  return {
    id: isFirst ? id : idFromIdempotencyKey(log, id, 1),
    tenant_id: log,
    occurred_at: rfc3339OfMillis(isFirst ? openedAtMs : lastAtMs),
    action: `docket.log.${entry.kind}`,
    category: 'data',
    operation: 'read',
    actor: { ...entry.actor, metadata: entry.credential },
    resources,
    context: contextOfOrigin(entry),
    source: { service: 'docket-query' },
    metadata: {
      ...Object.fromEntries(Object.entries(entry.asked).flatMap(([name, text]) => piecesOf(name, text))),
      ...(entry.results === null ? {} : { results: entry.results }),
      reads: isFirst ? 1 : repeats,
      ...(isFirst ? {} : { repeats_of: id }),
    },
  };
}

/** Where a reading of a log is told: in that log, so that its owner sees it. What is no tenant's log takes no events of ours. */
export function logOfTrail(log: string): string {
  return log.startsWith('!') || log === allLogs ? operatorsLog : log;
}

function piecesOf(name: string, text: string): [string, string][] {
  const pieces: [string, string][] = [];
  for (let rest = text; rest !== '';) {
    const piece = cutBytes(rest, pieceBytesMax);
    pieces.push([pieces.length === 0 ? name : `${name}.${pieces.length + 1}`, piece]);
    rest = rest.slice(piece.length);
  }
  return pieces;
}
