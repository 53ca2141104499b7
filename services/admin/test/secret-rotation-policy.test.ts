import { expect, test } from '@jest/globals';
import { createDirectoryState } from '@docket/directory';
import type { Credential, SealedSecret, Subscription } from '@docket/directory';

import { decideRotation, previousValidUntil } from '../src/secret-rotation-policy.ts';

const now = '2026-01-02T00:00:00.000Z';
const created = '2026-01-01T00:00:00.000Z';
const acme: Credential = { keyId: 'acme', scopes: ['subscriptions:write'], tenants: ['acme'] };
const known: Subscription = {
  version: 1,
  kind: 'subscription',
  id: 'sub_1',
  tenant_id: 'acme',
  name: 'a SIEM',
  sink: { type: 'webhook', url: 'https://siem.example/in', secrets: [{ sealed: 'old', created_at: created }] },
  batch: { max_events: 100, max_bytes: 100_000, max_wait_ms: 0 },
  state: 'active',
  start_after_seq: 0,
  created_at: created,
  updated_at: created,
};

function rotate(subscription: Subscription, overlapSeconds: number, caller = acme) {
  const directory = createDirectoryState();
  directory.apply({ type: 'put', entity: subscription });
  const made = { sealedSecret: 'new', overlapSeconds, now };
  const { puts = [], result } = decideRotation(directory, caller, 'sub_1', made);
  const [changed] = puts;
  return { changed, result, secrets: changed?.kind === 'subscription' ? changed.sink.secrets : [] };
}

const withSecrets = (...secrets: SealedSecret[]): Subscription => ({ ...known, sink: { ...known.sink, secrets } });

test('the new secret is the newest, and the old one ends with the overlap', () => {
  const { changed, result, secrets } = rotate(known, 3_600);
  expect(secrets).toEqual([
    { sealed: 'new', created_at: now },
    { sealed: 'old', created_at: created, expires_at: '2026-01-02T01:00:00.000Z' },
  ]);
  expect(previousValidUntil(result)).toBe('2026-01-02T01:00:00.000Z');
  expect(changed).toEqual({ ...known, sink: { ...known.sink, secrets }, updated_at: now });
});

test('without an overlap the old one is gone', () => {
  const { secrets, result } = rotate(known, 0);
  expect(secrets).toEqual([{ sealed: 'new', created_at: now }]);
  expect(previousValidUntil(result)).toBeUndefined();
});

test('a second rotation ends no secret later than the first one said, and forgets what has ended', () => {
  const { secrets } = rotate(
    withSecrets(
      { sealed: 'second', created_at: created },
      { sealed: 'first', created_at: created, expires_at: '2026-01-02T00:10:00.000Z' },
      { sealed: 'ended', created_at: created, expires_at: now },
    ),
    3_600,
  );
  expect(secrets.map(({ sealed, expires_at: end }) => [sealed, end])).toEqual([
    ['new', undefined],
    ['second', '2026-01-02T01:00:00.000Z'],
    ['first', '2026-01-02T00:10:00.000Z'],
  ]);
});

test('four secrets are valid at once, and no fifth', () => {
  const later = '2026-01-03T00:00:00.000Z';
  const valid = (count: number): Subscription =>
    withSecrets(
      ...Array.from({ length: count }, (_, n) => ({ sealed: `s${n}`, created_at: created, expires_at: later })),
    );
  expect(rotate(valid(3), 3_600).secrets).toHaveLength(4);
  expect(() => rotate(valid(4), 3_600)).toThrow(expect.objectContaining({ code: 'limit_reached' }));
  expect(rotate(valid(4), 0).secrets).toHaveLength(1);
});

test('a sink that does not sign is refused, and another tenant’s subscription does not exist (I5)', () => {
  const { secrets } = known.sink;
  const splunk: Subscription = { ...known, sink: { type: 'splunk_hec', url: 'https://splunk.example', secrets } };
  expect(() => rotate(splunk, 0)).toThrow(expect.objectContaining({ code: 'invalid_body' }));
  expect(() => rotate(known, 0, { ...acme, tenants: ['beta'] })).toThrow(
    expect.objectContaining({ code: 'not_found' }),
  );
});
