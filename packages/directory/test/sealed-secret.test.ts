import { randomBytes } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readSettings } from '@docket/runtime';

import {
  masterKeySettings,
  newWebhookSecret,
  openSecret,
  readMasterKey,
  sealSecret,
  webhookSecretBytes,
} from '../src/index.ts';

const masterKey = readMasterKey(Buffer.alloc(32, 7).toString('base64'));
const otherKey = readMasterKey(Buffer.alloc(32, 8).toString('base64'));

describe('sealed secrets', () => {
  test('open to what was sealed, for their subscription', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (secret, subscriptionId) => {
        const sealed = sealSecret(masterKey, subscriptionId, secret);
        expect(openSecret(masterKey, subscriptionId, sealed)).toEqual({ ok: true, secret });
      }),
    );
  });

  test('show nothing of the secret, and differ each time', () => {
    const secret = newWebhookSecret();
    const sealed = sealSecret(masterKey, 's', secret);
    expect(sealed).not.toContain(secret.slice(6, 20));
    expect(sealSecret(masterKey, 's', secret)).not.toBe(sealed);
  });

  test('do not open for another subscription', () => {
    expect(openSecret(masterKey, 'b', sealSecret(masterKey, 'a', 'x'))).toEqual({ ok: false, reason: 'damaged' });
  });

  test('name the key that sealed them, so that another one is told from damage', () => {
    expect(openSecret(otherKey, 'a', sealSecret(masterKey, 'a', 'x'))).toEqual({ ok: false, reason: 'other_key' });
  });

  test('open with every key of the list, and are sealed with its first', () => {
    const [older, newer] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
    const both = readMasterKey(`${newer},${older}`);
    const before = sealSecret(readMasterKey(older), 'a', 'x');
    expect(openSecret(both, 'a', before)).toEqual({ ok: true, secret: 'x' });
    expect(openSecret(both, 'b', before)).toEqual({ ok: false, reason: 'damaged' });
    expect(openSecret(readMasterKey(newer), 'a', sealSecret(both, 'a', 'x'))).toEqual({ ok: true, secret: 'x' });
    expect(openSecret(readMasterKey(older), 'a', sealSecret(both, 'a', 'x'))).toMatchObject({ reason: 'other_key' });
  });

  test('do not open when any character was changed', () => {
    const sealed = sealSecret(masterKey, 'a', 'a secret of some length');
    for (let at = 0; at < sealed.length; at += 1) {
      const flipped = sealed[at] === 'A' ? 'Q' : 'A';
      const changed = `${sealed.slice(0, at)}${flipped}${sealed.slice(at + 1)}`;
      expect(openSecret(masterKey, 'a', changed)).toMatchObject({ ok: false });
    }
  });

  test.each(['', 'v1', 'v1.00000000.', `v1.${masterKey.id}.AAAA`, `v2.${masterKey.id}.${'A'.repeat(80)}`])(
    '%j is damaged',
    (text) => {
      expect(openSecret(masterKey, 'a', text)).toEqual({ ok: false, reason: 'damaged' });
    },
  );
});

describe('DOCKET_MASTER_KEY', () => {
  test('has no default', () => {
    expect(() => readSettings(masterKeySettings, {})).toThrow(/DOCKET_MASTER_KEY is not set and has no default/);
  });

  test.each([
    randomBytes(31).toString('base64'),
    randomBytes(33).toString('base64'),
    randomBytes(32).toString('hex'),
    Buffer.alloc(32, 255).toString('base64url'),
    'changeme',
    `${randomBytes(32).toString('base64')},`,
    `${randomBytes(32).toString('base64')}, ${randomBytes(32).toString('base64')}`,
  ])('%s is refused, unseen', (text) => {
    expect(() => readSettings(masterKeySettings, { DOCKET_MASTER_KEY: text })).toThrow(/openssl rand -base64 32/);
    expect(() => readSettings(masterKeySettings, { DOCKET_MASTER_KEY: text })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(text) }),
    );
  });

  test('its id says nothing about it and differs', () => {
    expect(masterKey.id).toMatch(/^[0-9a-f]{8}$/);
    expect(masterKey.id).not.toBe(otherKey.id);
  });
});

describe('webhook secrets', () => {
  const of = (bytes: number): string => `whsec_${randomBytes(bytes).toString('base64')}`;

  test('a new one has 32 bytes', () => {
    expect(webhookSecretBytes(newWebhookSecret())).toHaveLength(32);
  });

  test.each([24, 25, 63, 64])('%i bytes are taken', (bytes) => {
    expect(webhookSecretBytes(of(bytes))).toHaveLength(bytes);
  });

  test.each([of(23), of(65), of(32).slice(6), `whsec_${'!'.repeat(44)}`, 'whsec_', `${of(32)} `])(
    '%j is refused',
    (text) => {
      expect(webhookSecretBytes(text)).toBeUndefined();
    },
  );
});
