import { parseEvent } from '@docket/event';
import { expect, test } from '@jest/globals';

import { gapClosedEventOf, gapEventOf } from '../../src/sources/source-gap-mapper.ts';

const name = { tenantId: 'acme', service: 'billing', instance: 'pod-7 0199f3c2' };
const valid = (input: unknown) => {
  const parsed = parseEvent(input, Date.UTC(2026, 10, 28), '0199f3c2-0000-7000-8000-000000000001');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return parsed.event;
};

test('a gap and its closing are events of the tenant that name the source and the numbers', () => {
  const gap = gapEventOf(name, { from: 3, to: 7, sinceMs: Date.UTC(2026, 10, 28) });
  expect(valid(gap)).toMatchObject({
    tenant_id: 'acme',
    action: 'docket.source.gap',
    outcome: 'failure',
    resources: [{ type: 'source', id: 'pod-7 0199f3c2', name: 'billing' }],
    metadata: {
      service: 'billing',
      first_counter: '3',
      last_counter: '7',
      missing_events: '5',
      missing_since: '2026-11-28T00:00:00.000Z',
    },
  });
  const closed = gapClosedEventOf(name, { from: 3, to: 7 });
  expect(valid(closed)).toMatchObject({ action: 'docket.source.gap_closed', metadata: { closes: gap.id } });
  expect(closed.id).not.toBe(gap.id);
});

test('the same gap is the same event; another source, tenant or range is another', () => {
  const range = { from: 1, to: 1, sinceMs: 0 };
  expect(gapEventOf(name, range)).toEqual(gapEventOf(name, range));
  const ids = [
    gapEventOf(name, range),
    gapEventOf({ ...name, tenantId: 'globex' }, range),
    gapEventOf({ ...name, service: 'shop' }, range),
    gapEventOf({ ...name, instance: 'pod-8' }, range),
    gapEventOf(name, { ...range, to: 2 }),
    gapClosedEventOf(name, range),
  ].map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

test('what tells a gap has no running number itself, so no gap can come of it', () => {
  expect(valid(gapEventOf(name, { from: 1, to: 1, sinceMs: 0 })).source.counter).toBe(0);
});

test('names at their limits, and none, make valid events', () => {
  valid(
    gapEventOf(
      { tenantId: 't'.repeat(128), service: 'é'.repeat(128), instance: '👩'.repeat(256) },
      { from: 1, to: 2 ** 53 - 2, sinceMs: 0 },
    ),
  );
  valid(gapClosedEventOf({ tenantId: 'acme', service: '', instance: '' }, { from: 1, to: 1 }));
});
