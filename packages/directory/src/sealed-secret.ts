import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

import type { MasterKey } from './master-key.ts';

const algorithm = 'aes-256-gcm';
/** NIST SP 800-38D §8.2.2: random 96-bit nonces, far fewer than 2^32 a key. */
const nonceBytes = 12;
const tagBytes = 16;

export type Opened =
  | { readonly ok: true; readonly secret: string }
  /** other_key: sealed with a master key that is not known · damaged: not what was sealed, or for another subscription. */
  | { readonly ok: false; readonly reason: 'other_key' | 'damaged' };

/**
 * Seals a secret with AES-256-GCM: `v1.<key id>.<nonce ‖ ciphertext ‖ tag, base64url>`. It opens only for the same subscription, so that a sealed
 * secret which is copied to another entity is worth nothing.
 */
export function sealSecret(masterKey: MasterKey, subscriptionId: string, secret: string): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, masterKey.bytes, nonce).setAAD(Buffer.from(subscriptionId));
  const sealed = Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `v1.${masterKey.id}.${sealed.toString('base64url')}`;
}

export function openSecret(masterKey: MasterKey, subscriptionId: string, sealed: string): Opened {
  const [, keyId, body] = /^v1\.([0-9a-f]{8})\.([A-Za-z0-9_-]+)$/.exec(sealed) ?? [];
  if (keyId === undefined || body === undefined) return { ok: false, reason: 'damaged' };
  const key = keyId === masterKey.id ? masterKey.bytes : masterKey.older.get(keyId);
  if (key === undefined) return { ok: false, reason: 'other_key' };
  const bytes = Buffer.from(body, 'base64url');
  if (bytes.length < nonceBytes + tagBytes) return { ok: false, reason: 'damaged' };
  const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceBytes))
    .setAAD(Buffer.from(subscriptionId))
    .setAuthTag(bytes.subarray(-tagBytes));
  try {
    const opened = Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]);
    return { ok: true, secret: opened.toString('utf8') };
  } catch {
    return { ok: false, reason: 'damaged' };
  }
}
