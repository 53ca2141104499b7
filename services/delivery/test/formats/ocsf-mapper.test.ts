import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';

import { activityOf, ocsfClassOf } from '../../src/formats/ocsf-class-policy.ts';
import { ocsfFormat } from '../../src/formats/ocsf-mapper.ts';
import { ocsfEvents } from './ocsf-events.ts';

const minimal = ocsfEvents['next to nothing'];
if (minimal === undefined) throw new Error('the events are missing');

const resources = [{ type: 'role', id: 'r_1' }];
type Category = NonNullable<typeof minimal.category>;

describe('the class of an event', () => {
  const classes: Record<Category, readonly [number, number]> = {
    authentication: [3002, 3002],
    account: [3001, 3001],
    access: [3004, 6003],
    entity: [3004, 6003],
    configuration: [3004, 6003],
    data: [6003, 6003],
    other: [6003, 6003],
  };
  test.each(Object.entries(classes) as [Category, readonly [number, number]][])(
    '%s: with and without a resource %j',
    (category, [withResource, without]) => {
      expect(ocsfClassOf({ ...minimal, category, resources }).uid).toBe(withResource);
      expect(ocsfClassOf({ ...minimal, category }).uid).toBe(without);
    },
  );

  test.each([
    ['authentication', 'user.login', 1],
    ['authentication', 'user.login.failed', 1],
    ['authentication', 'session.signed_in', 1],
    ['authentication', 'user.sign-out', 2],
    ['authentication', 'user.logged_out', 2],
    ['authentication', 'blogin.made', 99],
    ['authentication', 'mfa.challenged', 99],
    ['account', 'user.password.reset', 4],
    ['account', 'user.password_changed', 3],
    ['account', 'user.mfa.enrolled', 10],
    ['account', 'user.totp.removed', 11],
    ['account', 'user.unlocked', 12],
    ['account', 'user.locked', 9],
    ['account', 'user.blocked', 99],
    ['account', 'user.deactivated', 5],
    ['account', 'user.activated', 2],
    ['account', 'user.renamed', 99],
  ] as const)('%s, %s: activity %i', (category, action, expected) => {
    const event = { ...minimal, category, action };
    expect(activityOf(ocsfClassOf(event), event)).toBe(expected);
  });

  test.each([
    ['create', 1, 1],
    ['read', 99, 2],
    ['update', 99, 3],
    ['delete', 6, 4],
    ['other', 99, 99],
  ] as const)('operation %s: activity %i of an account, %i of an entity and of data', (operation, account, other) => {
    for (const [category, expected] of [
      ['account', account],
      ['entity', other],
      ['data', other],
    ] as const) {
      const event = { ...minimal, category, operation, resources };
      expect(activityOf(ocsfClassOf(event), event)).toBe(expected);
    }
  });
});

/** Every scalar in a value, and names of members if asked for; a text that is JSON counts as what it says. */
function leavesOf(value: unknown, withNames: boolean): unknown[] {
  if (typeof value === 'object' && value !== null) {
    const names: unknown[] = withNames ? Object.keys(value) : [];
    return [...names, ...Object.values(value).flatMap((member) => leavesOf(member, withNames))];
  }
  const said = typeof value === 'string' ? parsed(value) : undefined;
  return said === undefined ? [value] : leavesOf(said, withNames);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

describe('the format', () => {
  const lines = Object.entries(ocsfEvents).map(
    ([name, event]) => `${JSON.stringify({ name, ...ocsfFormat(event) })}\n`,
  );

  test('is, for each kind of event, the golden one', () => {
    const file = new URL('../../../../schemas/golden/delivery/ocsf-events.ndjson', import.meta.url);
    if (process.env['WRITE_GOLDEN'] === '1') writeFileSync(file, lines.join(''));
    expect(lines.join('')).toBe(readFileSync(file, 'utf8'));
  });

  test.each(Object.entries(ocsfEvents))('%s: nothing of it is lost', (_name, event) => {
    const there = new Set(leavesOf(JSON.parse(JSON.stringify(ocsfFormat(event))), true));
    const {
      occurred_at: occurredAt,
      received_at: receivedAt,
      severity: _severity,
      operation: _operation,
      ...rest
    } = event;
    const { outcome: _outcome, ...members } = rest;
    const lost = leavesOf(JSON.parse(JSON.stringify(members)), false).filter((leaf) => !there.has(leaf));
    expect(lost).toEqual([]);
    expect(there).toContain(occurredAt);
    expect(there).toContain(Date.parse(receivedAt));
  });

  test.each(Object.entries(ocsfEvents))('%s: has its seq, and that of the event sent before it', (_name, event) => {
    expect(ocsfFormat(event)).toMatchObject({
      metadata: { sequence: event.seq, version: '1.4.0' },
      unmapped: { prev_seq: event.prev_seq },
    });
  });
});
