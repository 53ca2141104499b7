import { readFileSync } from 'node:fs';
import type { PublicEvent } from '@docket/event';
import type { Sink, Subscription } from '@docket/directory';

import { buildBatch } from '../../src/batches/batch-mapper.ts';
import type { Batch } from '../../src/batches/batch-mapper.ts';
import type { LogEntry } from '../../src/batches/log-entry-mapper.ts';
import { noneSkipped } from '../../src/batches/skipped-counts.ts';
import { encodingOf } from '../../src/sinks/sink-rules.ts';

const golden = new URL('../../../../schemas/golden/', import.meta.url);
const read = (name: string): PublicEvent => JSON.parse(readFileSync(new URL(name, golden), 'utf8')) as PublicEvent;

const secrets = [{ sealed: 'v1.sealed', created_at: '2026-01-01T00:00:00.000Z' }];

/** Each sink and layout, with its settings as the golden files have them. */
export const sampleSinks = {
  webhook: { type: 'webhook', url: 'https://siem.example/in', secrets },
  'webhook-single': { type: 'webhook', url: 'https://siem.example/in', secrets, layout: 'single' },
  'webhook-ndjson': { type: 'webhook', url: 'https://siem.example/in', secrets, layout: 'ndjson' },
  splunk_hec: {
    type: 'splunk_hec',
    url: 'https://splunk.example:8088',
    secrets,
    index: 'audit',
    host: 'docket.example',
  },
  datadog: { type: 'datadog', url: 'https://http-intake.logs.datadoghq.eu', secrets, tags: ['env:prod'] },
  elastic_bulk: {
    type: 'elastic_bulk',
    url: 'https://elastic.example:9243',
    secrets,
    index: 'audit-docket',
    auth: 'api_key',
  },
} as const satisfies Record<string, Sink>;
export type SampleName = keyof typeof sampleSinks;

export function subscriptionTo(sink: Sink, changes: Partial<Subscription> = {}): Subscription {
  return {
    version: 1,
    kind: 'subscription',
    id: 'sub_1',
    tenant_id: 'acme',
    name: 'a SIEM',
    sink,
    batch: { max_events: 100, max_bytes: 1_000_000, max_wait_ms: 0 },
    state: 'active',
    start_after_seq: 0,
    created_at: '2026-01-01T00:00:00.000Z',
    updated_at: '2026-01-01T00:00:00.000Z',
    ...changes,
  };
}

export function entryOf(event: PublicEvent): LogEntry {
  return { seq: event.seq, receivedAtMs: Date.parse(event.received_at), kind: 'event', event };
}

/** Seq 7, an event with everything; 8, quarantined; 9, one with next to nothing. */
export const sampleEntries: readonly LogEntry[] = [
  entryOf(read('event.public.json')),
  { seq: 8, receivedAtMs: Date.parse('2026-11-23T09:00:01.500Z'), kind: 'skipped', reason: 'quarantined' },
  entryOf({ ...read('event-minimal.public.json'), seq: 9 }),
];

/** The batch behind seq 6 of which the last event sent was 5. */
export function batchFor(subscription: Subscription, entries: readonly LogEntry[] = sampleEntries): Batch {
  const { max_events: eventsMax, max_bytes: bytesMax } = subscription.batch;
  const origin = {
    subscriptionId: subscription.id,
    tenantId: 'acme',
    edition: '',
    prevToSeq: 6,
    prevEventSeq: 5,
    passed: noneSkipped,
  };
  const batch = buildBatch(origin, entries, { eventsMax, bytesMax }, encodingOf(subscription));
  if (batch === undefined) throw new Error('no entries');
  return batch;
}
