import { describe, expect, test } from '@jest/globals';
import { createDocket, defineActions, type Docket, type EventOf } from '../src/index.ts';

const actions = defineActions({
  'document.deleted': {
    category: 'data',
    operation: 'delete',
    resources: ['document', 'folder'],
    metadata: ['reason'],
  },
  'user.signed_in': { category: 'authentication' },
});
type Event = EventOf<typeof actions>;

/** Compiles, or does not: `make lint` checks the expectations. */
export const accepted: Event[] = [
  {
    action: 'document.deleted',
    resources: [{ type: 'document', id: 'd_1', name: 'Plan' }],
    metadata: { reason: 'old' },
  },
  { action: 'document.deleted', resources: [] },
  { action: 'user.signed_in', metadata: { anything: 1 }, resources: [{ type: 'whatever', id: '1' }] },
  // @ts-expect-error: no such action
  { action: 'document.deletd', resources: [] },
  // @ts-expect-error: no such type of resource
  { action: 'document.deleted', resources: [{ type: 'dokument', id: 'd_1' }] },
  // @ts-expect-error: which document?
  { action: 'document.deleted' },
  // @ts-expect-error: no such key
  { action: 'document.deleted', resources: [], metadata: { raeson: 'old' } },
  // @ts-expect-error: the declaration says what it is
  { action: 'user.signed_in', category: 'data' },
];

test('a recorder with a catalogue takes its events, one without takes any', async () => {
  const options = { url: 'http://127.0.0.1:9', key: 'k', source: { service: 's' }, spool: false } as const;
  const typed: Docket<Event> = createDocket({ ...options, actions, onFailure: () => undefined });
  const free: Docket = createDocket({ ...options, onFailure: () => undefined });
  const actor = { type: 'user', id: 'u_1' };
  const outcomes = [
    await typed.record({ action: 'user.signed_in', tenant_id: 'acme', actor }),
    // @ts-expect-error: the catalogue does not have it. In JavaScript it is recorded all the same: better told than lost.
    await typed.record({ action: 'user.signed_on', tenant_id: 'acme', actor }),
    await free.record({ action: 'user.signed_on', tenant_id: 'acme', actor }),
  ];
  expect(outcomes.map(({ ok }) => ok)).toEqual([true, true, true]);
  await typed.close({ deadlineMs: 1 });
  await free.close({ deadlineMs: 1 });
});

describe('defineActions', () => {
  test.each(['Document.deleted', 'document..deleted', 'document deleted', '', 'x'.repeat(129), 'docket.log.searched'])(
    'refuses the name %p at start',
    (name) => {
      expect(() => defineActions({ [name]: {} })).toThrow(TypeError);
    },
  );

  test('takes every name that an event may have', () => {
    expect(defineActions({ ['x'.repeat(128)]: {}, 'a-b.c_d.0': {} })).toHaveProperty(['a-b.c_d.0']);
  });
});
