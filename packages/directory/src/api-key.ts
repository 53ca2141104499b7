import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** `dk_<id>_<secret>`: 64 bits that name the key, 256 that prove it. */
const keyFormat = /^dk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;
const idBytes = 8;
const secretBytes = 32;

export interface KeyText {
  readonly id: string;
  readonly secret: string;
}

/** Makes a key, or a new secret for one. The text is shown once; only `id` and `secretSha256` are stored. */
export function newApiKey(id: string = randomBytes(idBytes).toString('hex')): {
  id: string;
  text: string;
  secretSha256: string;
} {
  const secret = randomBytes(secretBytes).toString('base64url');
  return { id, text: `dk_${id}_${secret}`, secretSha256: hashKeySecret(secret) };
}

export function parseApiKey(text: string): KeyText | undefined {
  const [, id, secret] = keyFormat.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** SHA-256 in hex. A plain hash is enough: a secret of 256 random bits can not be guessed, however fast the hash. */
export function hashKeySecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Compares two hashes of `hashKeySecret`, as `isSameSecret` does, without hashing them once more. */
export function isSameHash(given: string, expected: string): boolean {
  return timingSafeEqual(Buffer.from(given), Buffer.from(expected));
}

/** Compares in a time that does not depend on where the texts differ. */
export function isSameSecret(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
