import type { TrailEntry } from '../../src/trail/trail-entry.ts';

/** A reading as it is spooled; tests name what matters to them. */
export function trailEntry(named: Partial<TrailEntry> = {}): TrailEntry {
  return {
    kind: 'searched',
    log: 'acme',
    actor: { type: 'api_key', id: '00000000000000aa' },
    credential: { key_id: '00000000000000aa', view: 'tenant' },
    asked: { search: 'action:user.*' },
    eventId: null,
    results: 1,
    ip: '203.0.113.7',
    userAgent: 'curl/8',
    requestId: 'r-1',
    ...named,
  };
}
