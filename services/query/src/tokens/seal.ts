import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const algorithm = 'aes-256-gcm';
const keyIdBytes = 4;
/** NIST SP 800-38D §8.2.2: random 96-bit nonces, far fewer than 2^32 a key. */
const nonceBytes = 12;
const tagBytes = 16;

export interface SealingKey {
  /** 8 hex digits that name the key. */
  readonly id: string;
  /** 32 bytes, for one use only. */
  readonly bytes: Uint8Array;
}

/** What goes out to callers and comes back: nobody else reads it or makes one. */
export interface Seal {
  /** base64url. */
  seal(bytes: Uint8Array): string;
  /** Null: not sealed by one of the keys, or changed since. */
  open(sealed: string): Buffer | null;
}

/** AES-256-GCM. The first key seals, each of them opens. */
export function createSeal(keys: readonly SealingKey[]): Seal {
  const [current] = keys;
  if (current === undefined) throw new TypeError('there is no key to seal with');
  const byId = new Map(keys.map(({ id, bytes }) => [id, bytes]));
  return {
    seal(bytes) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv(algorithm, current.bytes, nonce);
      const body = Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
      return Buffer.concat([Buffer.from(current.id, 'hex'), nonce, body]).toString('base64url');
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, 'base64url');
      const key = byId.get(bytes.subarray(0, keyIdBytes).toString('hex'));
      if (key === undefined || bytes.length < keyIdBytes + nonceBytes + tagBytes) return null;
      const nonce = bytes.subarray(keyIdBytes, keyIdBytes + nonceBytes);
      const decipher = createDecipheriv(algorithm, key, nonce).setAuthTag(bytes.subarray(-tagBytes));
      try {
        const opened = decipher.update(bytes.subarray(keyIdBytes + nonceBytes, -tagBytes));
        return Buffer.concat([opened, decipher.final()]);
      } catch {
        return null;
      }
    },
  };
}
