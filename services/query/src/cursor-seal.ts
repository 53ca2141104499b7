import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { decodeCursor, encodeCursor, type PageCursor } from './cursor-mapper.ts';
import type { TokenKey } from './token-keys.ts';

const algorithm = 'aes-256-gcm';
const keyIdBytes = 4;
/** NIST SP 800-38D §8.2.2: random 96-bit nonces, far fewer than 2^32 a key. */
const nonceBytes = 12;
const tagBytes = 16;

export interface CursorSeal {
  seal(cursor: PageCursor): string;
  /** Null: the cursor is not one of ours, or older than the keys. */
  open(text: string): PageCursor | null;
}

/**
 * Cursors as callers get them: nobody reads in one what the view hides (a seq), and nobody makes one up. They still give no
 * access, because every page is scoped anew. The first key seals, each of them opens.
 */
export function createCursorSeal(keys: readonly [TokenKey, ...TokenKey[]]): CursorSeal {
  const [current] = keys;
  const sealingKeys = new Map(keys.map(({ id, sealing }) => [id, sealing]));
  return {
    seal(cursor) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv(algorithm, current.sealing, nonce);
      const body = Buffer.concat([cipher.update(encodeCursor(cursor)), cipher.final(), cipher.getAuthTag()]);
      return Buffer.concat([Buffer.from(current.id, 'hex'), nonce, body]).toString('base64url');
    },
    open(text) {
      const bytes = Buffer.from(text, 'base64url');
      const key = sealingKeys.get(bytes.subarray(0, keyIdBytes).toString('hex'));
      if (key === undefined || bytes.length < keyIdBytes + nonceBytes + tagBytes) return null;
      const nonce = bytes.subarray(keyIdBytes, keyIdBytes + nonceBytes);
      const decipher = createDecipheriv(algorithm, key, nonce).setAuthTag(bytes.subarray(-tagBytes));
      try {
        const opened = decipher.update(bytes.subarray(keyIdBytes + nonceBytes, -tagBytes));
        return decodeCursor(Buffer.concat([opened, decipher.final()]));
      } catch {
        return null;
      }
    },
  };
}
