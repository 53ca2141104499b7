import { idFromIdempotencyKey, rfc3339OfMillis, type EventInput } from '@docket/event';
import type { CounterRange } from './source-machine.ts';

/** Who counts. */
export interface SourceName {
  readonly tenantId: string;
  readonly service: string;
  readonly instance: string;
}

type Told = EventInput & { readonly id: string };

/** Says that events of a source are missing: a hole in its running numbers has been open for a minute. The same hole is the same event, id included. */
export function gapEventOf(name: SourceName, { from, to, sinceMs }: CounterRange & { readonly sinceMs: number }): Told {
  return eventOf(name, { from, to }, 'gap', {
    description: `${countOf(from, to)} of ${titleOf(name)} did not arrive: it numbers what it records, and ${numbersOf(from, to)} missing.`,
    outcome: 'failure',
    severity: 'high',
    metadata: { missing_since: rfc3339OfMillis(sinceMs) },
  });
}

/** Says that everything which was told as missing has arrived after all. */
export function gapClosedEventOf(name: SourceName, { from, to }: CounterRange): Told {
  return eventOf(name, { from, to }, 'gap_closed', {
    description: `${countOf(from, to)} of ${titleOf(name)} arrived late; nothing of it is missing any more.`,
    outcome: 'success',
    severity: 'info',
    metadata: { closes: idOf(name, { from, to }, 'gap') },
  });
}

type Kind = 'gap' | 'gap_closed';

function eventOf(
  name: SourceName,
  { from, to }: CounterRange,
  kind: Kind,
  said: Pick<EventInput, 'description' | 'outcome' | 'severity' | 'metadata'>,
): Told {
  const { tenantId, service, instance } = name;
  return {
    id: idOf(name, { from, to }, kind),
    tenant_id: tenantId,
    action: `docket.source.${kind}`,
    category: 'data',
    operation: 'other',
    actor: { type: 'system', id: 'docket-ingestor' },
    resources: [{ type: 'source', id: instance === '' ? '-' : instance, name: service }],
    ...said,
    // No counter: what Docket says itself is not counted, so that no gap can come of telling one.
    source: { service: 'docket-ingestor' },
    metadata: {
      ...said.metadata,
      service,
      instance,
      first_counter: String(from),
      last_counter: String(to),
      missing_events: String(to - from + 1),
    },
  };
}

function idOf({ tenantId, service, instance }: SourceName, { from, to }: CounterRange, kind: Kind): string {
  return idFromIdempotencyKey(tenantId, JSON.stringify([`docket.source.${kind}`, service, instance, from, to]), 0);
}

function titleOf({ service }: SourceName): string {
  return service === '' ? 'a source without a name' : service;
}

function countOf(from: number, to: number): string {
  return from === to ? '1 event' : `${to - from + 1} events`;
}

function numbersOf(from: number, to: number): string {
  return from === to ? `number ${from} is` : `numbers ${from} to ${to} are`;
}
