import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { newWebhookSecret, webhookSecretBytes } from '@docket/directory';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';

import { webhookHeaders } from '../../src/receivers/webhook-signature-mapper.ts';

function keyOf(secret: string): Buffer {
  const bytes = webhookSecretBytes(secret);
  if (bytes === undefined) throw new Error('not a secret');
  return bytes;
}

test('npm standardwebhooks verifies what is signed, with the old and the new secret of a rotation, and refuses a changed body', () => {
  const [next, last] = [newWebhookSecret(), newWebhookSecret()];
  const timestampSeconds = Math.floor(Date.now() / 1_000);
  fc.assert(
    fc.property(fc.json(), (body) => {
      const headers = webhookHeaders({ id: 'msg_1', timestampSeconds, body: Buffer.from(body) }, [
        keyOf(next),
        keyOf(last),
      ]);
      for (const secret of [next, last]) expect(() => new Webhook(secret).verify(body, headers)).not.toThrow();
      expect(() => new Webhook(next).verify(`${body} `, headers)).toThrow();
      expect(() => new Webhook(newWebhookSecret()).verify(body, headers)).toThrow();
    }),
    { numRuns: 30 },
  );
});

test('bytes that are not UTF-8 are signed as they are', () => {
  const secret = newWebhookSecret();
  const body = randomBytes(64);
  const timestampSeconds = 1_700_000_000;
  const headers = webhookHeaders({ id: 'm', timestampSeconds, body }, [keyOf(secret)]);
  expect(headers['webhook-signature']).toMatch(/^v1,[A-Za-z0-9+/]{43}=$/);
  expect(headers).toMatchObject({ 'webhook-id': 'm', 'webhook-timestamp': '1700000000' });
});
