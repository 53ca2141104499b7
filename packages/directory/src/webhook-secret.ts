import { randomBytes } from 'node:crypto';

const prefix = 'whsec_';
/** Standard Webhooks: 24 to 64 random bytes. */
const bytesMin = 24;
const bytesMax = 64;

/** Makes a webhook secret as Standard Webhooks writes it: `whsec_` and base64. */
export function newWebhookSecret(): string {
  return `${prefix}${randomBytes(32).toString('base64')}`;
}

/** The HMAC key that a webhook secret stands for, or undefined when it is none: canonical base64 of 24..64 bytes after `whsec_`. */
export function webhookSecretBytes(secret: string): Buffer | undefined {
  if (!secret.startsWith(prefix)) return undefined;
  const text = secret.slice(prefix.length);
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length < bytesMin || bytes.length > bytesMax || bytes.toString('base64') !== text) return undefined;
  return bytes;
}
