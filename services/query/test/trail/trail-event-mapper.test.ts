import { newEventId, parseEvent } from '@docket/event';
import { describe, expect, test } from '@jest/globals';
import { eventOfTelling } from '../../src/trail/trail-event-mapper.ts';
import type { TrailEntry } from '../../src/trail/trail-entry.ts';
import type { TrailTelling } from '../../src/trail/trail-windows.ts';
import { trailEntry } from './trail-entry-maker.ts';

const id = newEventId();

function telling(named: Partial<TrailEntry> = {}, of: TrailTelling['of'] = 'first'): TrailTelling {
  const at = { openedAtMs: Date.UTC(2026, 10, 28), lastAtMs: Date.UTC(2026, 10, 28, 0, 3) };
  return { of, window: { id, fingerprint: 'f', ...at, entry: trailEntry(named), repeats: 7, isTold: of !== 'first' } };
}

const parsed = (one: TrailTelling) => {
  const input = eventOfTelling(one);
  const event = parseEvent(input, Date.UTC(2026, 10, 28), input.id);
  if (!event.ok) throw new Error(JSON.stringify(event.errors));
  return event.event;
};

describe('the event that tells a reading', () => {
  test('says who asked what of which log, when and from where', () => {
    expect(eventOfTelling(telling({ eventId: id }))).toEqual({
      id,
      tenant_id: 'acme',
      occurred_at: '2026-11-28T00:00:00.000Z',
      action: 'docket.log.searched',
      category: 'data',
      operation: 'read',
      actor: { type: 'api_key', id: '00000000000000aa', metadata: { key_id: '00000000000000aa', view: 'tenant' } },
      resources: [
        { type: 'event', id },
        { type: 'log', id: 'acme' },
      ],
      context: { ip: '203.0.113.7', user_agent: 'curl/8', request_id: 'r-1' },
      source: { service: 'docket-query' },
      metadata: { search: 'action:user.*', results: 1, reads: 1 },
    });
  });

  test('of repeats says how many, until when, and of which first one; it is the same event each time it is made', () => {
    const repeats = eventOfTelling(telling({}, 'repeats'));
    expect(repeats).toMatchObject({ occurred_at: '2026-11-28T00:03:00.000Z', metadata: { reads: 7, repeats_of: id } });
    expect(repeats.id).not.toBe(id);
    expect(eventOfTelling(telling({}, 'repeats'))).toEqual(repeats);
  });

  test.each(['!p3', '*'])('of what is no tenant’s log stands in the operators’ log: %s', (log) => {
    expect(eventOfTelling(telling({ log }))).toMatchObject({
      tenant_id: 'docket.operators',
      resources: [{ type: 'log', id: log }],
    });
  });

  test.each<[string, Partial<TrailEntry>]>([
    ['nothing known of the caller', { ip: '', userAgent: '', requestId: '', results: null, asked: {} }],
    ['an address with a zone', { ip: 'fe80::1%eth0' }],
    ['a long user agent', { userAgent: 'ü'.repeat(16_000) }],
    ['a search at the limits of a request', { asked: { search: '😀'.repeat(16_000) } }],
    ['a search of which the view adds most', { asked: { search: 'x'.repeat(163_681), after: '7' } }],
    ['an empty text', { asked: { search: '' } }],
  ])('is a valid event with %s', (_name, named) => {
    for (const part of ['first', 'repeats'] as const)
      expect(parsed(telling(named, part))).toMatchObject({ tenant_id: 'acme' });
  });

  test('cuts nothing of a search up to 32 KiB: it goes on in further keys', () => {
    const search = 'id:"😀é"'.repeat(1_500);
    const { metadata } = parsed(telling({ asked: { search } }));
    const pieces = Object.keys(metadata).filter((name) => name.startsWith('search'));
    const inOrder = pieces.toSorted((a, b) => Number(a.split('.')[1] ?? 1) - Number(b.split('.')[1] ?? 1));
    expect(inOrder.length).toBeGreaterThan(5);
    expect(inOrder.map((name) => metadata[name]).join('')).toBe(search);
  });
});
