import { describe, expect, test } from '@jest/globals';
import { newEventId, parseEvent } from '@docket/event';

import { eventOfReading } from '../../src/log/reading-event-mapper.ts';

const subscription = { id: 'sub_1', tenant_id: 'acme', name: 'a SIEM' };
const origin = { ip: '203.0.113.7', userAgent: 'curl', requestId: 'r_1' };
const caller = { keyId: 'k_1', tenants: ['acme'] };
const reading = { id: newEventId(), atMs: 1_780_000_000_000, caller, results: 3, asked: {}, origin };

function parsed(input: unknown) {
  const outcome = parseEvent(input, reading.atMs, newEventId());
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.errors));
  return outcome.event;
}

describe('the event of a reading', () => {
  test('says who looked, from where, and at what', () => {
    const event = parsed(eventOfReading('counted', subscription, { ...reading, asked: { search: 'a', since: '' } }));
    expect(event).toMatchObject({
      action: 'docket.log.counted',
      actor: { id: 'k_1', metadata: { key_id: 'k_1', view: 'tenant' } },
      context: { ip: '203.0.113.7', user_agent: 'curl', request_id: 'r_1' },
      resources: [{ id: 'acme' }, { id: 'sub_1', name: 'a SIEM' }],
      metadata: { search: 'a', results: '3', reads: '1' },
    });
    expect(Object.keys(event.metadata)).not.toContain('since');
  });

  test('tells staff, with a key for every tenant, from the tenant’s own', () => {
    const byStaff = eventOfReading('previewed', subscription, { ...reading, caller: { keyId: 'k_2', tenants: '*' } });
    expect(parsed(byStaff)).toMatchObject({ actor: { id: 'k_2', metadata: { view: 'operator' } } });
  });

  test('is an event whatever the name, the question and the origin are', () => {
    const long = `${'x'.repeat(681)}😀${'€'.repeat(2_000)}`;
    const event = parsed(
      eventOfReading(
        'counted',
        { ...subscription, name: 'half \ud83d' },
        {
          ...reading,
          asked: { search: long, other: '\ud83d' },
          origin: { ...origin, ip: 'fe80::1%eth0', userAgent: long },
        },
      ),
    );
    expect(event.resources[1]?.name).toBe('half \ufffd');
    const pieces = ['search', 'search.2', 'search.3', 'search.4'].map((name) => event.metadata[name]);
    expect(pieces.join('')).toBe(long);
    expect(event.metadata['other']).toBe('\ufffd');
    expect(event.context.ip).toBe('');
    expect(Buffer.byteLength(event.context.user_agent)).toBeLessThanOrEqual(2_048);
  });
});
