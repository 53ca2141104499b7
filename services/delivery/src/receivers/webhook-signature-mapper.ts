import { createHmac } from 'node:crypto';

/**
 * The headers of Standard Webhooks: `webhook-signature` has one `v1,` HMAC-SHA256 of `id.timestamp.body` for each valid secret, separated by spaces, so
 * that a receiver may change its secret at any time of a rotation.
 * @param keys the secrets' bytes, newest first; at least one.
 */
export function webhookHeaders(
  message: { readonly id: string; readonly timestampSeconds: number; readonly body: Buffer },
  keys: readonly Buffer[],
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const start = `${message.id}.${message.timestampSeconds}.`;
  const signatureOf = (key: Buffer): string =>
    createHmac('sha256', key).update(start).update(message.body).digest('base64');
  return {
    'webhook-id': message.id,
    'webhook-timestamp': String(message.timestampSeconds),
    'webhook-signature': keys.map((key) => `v1,${signatureOf(key)}`).join(' '),
  };
}
