import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { eventFormats, maskableFields, maskPath, readMasterKey, sealSecret } from '@docket/directory';
import type { MaskAction, MaskRule, Subscription } from '@docket/directory';
import type { PublicEvent } from '@docket/event';

import type { SentEvent } from '../../src/batches/batch-encoding.ts';
import { compileMask, pseudonymOf } from '../../src/batches/mask-policy.ts';
import { encodingOf } from '../../src/sinks/sink-rules.ts';
import { createSubscriptionEncoding } from '../../src/batches/subscription-encoding.ts';
import { sampleSinks, subscriptionTo } from '../sinks/sample-batches.ts';
import type { SampleName } from '../sinks/sample-batches.ts';

const key = randomBytes(32);
/** Each value says where it is. */
const event: PublicEvent = {
  id: '0199f3c2-7a1e-7c3d-9a55-0d5a4f6b1c2e',
  seq: 7,
  occurred_at: '2026-11-23T09:00:00.123456Z',
  received_at: '2026-11-23T09:00:01.500Z',
  tenant_id: 'acme',
  action: 'user.role.updated',
  outcome_reason: 'at:outcome_reason',
  actor: { type: 'user', id: 'at:actor.id', name: 'at:actor.name', metadata: { 'a.b': 'at:actor.metadata.KEY' } },
  on_behalf_of: { type: 'user', id: 'at:on_behalf_of.id', name: 'at:on_behalf_of.name' },
  resources: [
    {
      type: 'role',
      id: 'at:resources.id',
      name: 'at:resources.name',
      metadata: { 'a.b': 'at:resources.metadata.KEY' },
    },
    { type: 'user', id: 'at:resources.id/2' },
  ],
  changes: [{ path: 'p', old: ['at:changes.old'], new: { inner: 'at:changes.new' } }],
  description: 'at:description',
  context: {
    ip: 'at:context.ip',
    user_agent: 'at:context.user_agent',
    country: 'at:context.country',
    session_id: 'at:context.session_id',
    request_id: 'at:context.request_id',
    trace_id: 'at:context.trace_id',
  },
  source: { service: 'billing', instance: 'at:source.instance' },
  metadata: { 'a.b': 'at:metadata.KEY', other: 'stays' },
};
const sent: SentEvent = { ...event, prev_seq: 5 };

const actionsOf = (field: string): MaskAction[] =>
  (['drop', 'hmac'] as const).filter((action) => maskPath({ field, action }) !== undefined);
const rules: MaskRule[] = maskableFields
  .map((field) => field.replace('KEY', 'a.b'))
  .flatMap((field) => actionsOf(field).map((action) => ({ field, action })));
/** The values in a text that stand below a field, also the whole of it. */
const valuesBelow = (text: string, field: string): string[] =>
  [...text.matchAll(/at:([a-z_.]+(?:KEY)?)/g)]
    .map(([, place = '']) => place)
    .filter((place) => place === field.replace('a.b', 'KEY') || place.startsWith(`${field}.`));

test('every field that may be masked is one of the event, and there is at least one way to mask it', () => {
  expect(rules.length).toBeGreaterThan(maskableFields.length);
  for (const { field } of rules)
    expect([field, valuesBelow(JSON.stringify(event), field).length > 0]).toEqual([field, true]);
});

describe('in every sink and format', () => {
  const sinks = Object.keys(sampleSinks) as SampleName[];
  const cases = sinks.flatMap((sink) => eventFormats.map((format) => [sink, format] as const));

  test.each(cases)(
    '%s, %s: what is masked is in no byte of the body, and the rest and the place in the log are',
    (sink, format) => {
      const subscription = subscriptionTo(sampleSinks[sink], { format });
      const plain = encodingOf(subscription).event(sent);
      for (const rule of rules) {
        const text = encodingOf(subscription, compileMask([rule], key)).event(sent);
        expect([rule, valuesBelow(text, rule.field)]).toEqual([rule, []]);
        for (const kept of ['"prev_seq":5', ':7,', '0199f3c2-7a1e-7c3d-9a55-0d5a4f6b1c2e', 'user.role.updated']) {
          expect([rule, kept, text.includes(kept)]).toEqual([rule, kept, plain.includes(kept)]);
        }
      }
    },
  );
});

describe('a pseudonym', () => {
  const masked = compileMask(
    [
      { field: 'actor.id', action: 'hmac' },
      { field: 'resources.id', action: 'hmac' },
      { field: 'changes.old', action: 'hmac' },
    ],
    key,
  );

  test('is the same for the same value, in whichever field and event, and another for another value or key', () => {
    const both = masked({ ...sent, actor: { type: 'user', id: 'at:resources.id' } });
    expect(both.actor.id).toMatch(/^hmac:[A-Za-z0-9_-]{22}$/);
    expect(both.resources?.map(({ id }) => id)).toEqual([both.actor.id, pseudonymOf(key, 'at:resources.id/2')]);
    expect(pseudonymOf(randomBytes(32), 'at:resources.id')).not.toBe(both.actor.id);
  });

  test('stands for any JSON value; what is absent stays absent', () => {
    expect(masked(sent).changes?.[0]?.old).toBe(pseudonymOf(key, ['at:changes.old']));
    const created = masked({ ...sent, changes: [{ path: 'p', new: 1 }] });
    expect(created.changes).toEqual([{ path: 'p', new: 1 }]);
  });

  test('leaves the event itself as it is: other subscriptions are sent it too', () => {
    const before = structuredClone(sent);
    masked(sent);
    expect(sent).toEqual(before);
  });
});

test('what nothing is left of is left out, and an event that has none of it is as it was', () => {
  const drop = compileMask(
    [
      { field: 'metadata.a.b', action: 'drop' },
      { field: 'context.ip', action: 'drop' },
    ],
    undefined,
  );
  const { metadata: _metadata, context: _context, ...bare } = sent;
  expect(JSON.stringify(drop({ ...bare, metadata: { 'a.b': 'x' }, context: { ip: '203.0.113.7' } }))).toBe(
    JSON.stringify(bare),
  );
  expect(JSON.stringify(drop(bare))).toBe(JSON.stringify(bare));
});

describe('what cannot be masked is not sent', () => {
  const master = readMasterKey(randomBytes(32).toString('base64'));
  const hmac: MaskRule = { field: 'actor.id', action: 'hmac' };
  const withMask = (changes: Partial<Subscription>) => subscriptionTo(sampleSinks.webhook, changes);

  test.each([
    ['a field of a later version', { mask: [{ field: 'actor.shoe_size', action: 'drop' }] }],
    ['no key', { mask: [hmac] }],
    ['a key that is damaged', { mask: [hmac], mask_key: 'v1.00000000.AAAA' }],
    ['a key of another subscription', { mask: [hmac], mask_key: sealSecret(master, 'sub_2', key.toString('base64')) }],
  ] satisfies [string, Partial<Subscription>][])('%s', (_what, changes) => {
    expect(() => createSubscriptionEncoding(master)(withMask(changes))).toThrow(/mask|key/);
  });

  test('a mask that is forgotten', () => {
    expect(() => encodingOf(withMask({ mask: [hmac] }))).toThrow('forgotten');
  });

  test('and what can be is', () => {
    const subscription = withMask({ mask: [hmac], mask_key: sealSecret(master, 'sub_1', key.toString('base64')) });
    const text = createSubscriptionEncoding(master)(subscription).event(sent);
    expect(text).toContain(pseudonymOf(key, 'at:actor.id'));
    expect(text).not.toContain('at:actor.id');
  });
});
