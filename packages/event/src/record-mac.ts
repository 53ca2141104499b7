import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Names the header that marks a record as written by Docket itself: `1.<key id>.<HMAC-SHA256 in base64url>`. */
export const macHeader = 'docket-mac';
export const macKeyBytes = 32;

export type MacVerdict =
  | { readonly kind: 'valid' }
  | { readonly kind: 'absent' }
  /** Not made with the key that it names, or of other bytes, or no MAC at all. */
  | { readonly kind: 'wrong' }
  /** Names a key that is not among ours: it may be one that was added or taken away elsewhere. */
  | { readonly kind: 'unknown_key'; readonly keyId: string };

/** The parts of a record that a MAC is about, and the one that holds it. */
export interface SignedParts {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | undefined>>;
}

/** Signs and checks records of our own. The same keys give the same verdicts everywhere: a record's status rests on them. */
export interface RecordMac {
  /** The headers that mark a record, made with the first key. */
  sign(key: string, value: Buffer): Readonly<Record<typeof macHeader, Buffer>>;
  check(record: SignedParts): MacVerdict;
}

interface MacKey {
  /** Says nothing about the key. */
  readonly id: string;
  readonly bytes: Buffer;
}

const format = /^1\.([0-9a-f]{8})\.([A-Za-z0-9_-]{43})$/;

/** @param keys of 32 bytes; the first signs, all check. Without keys nothing is valid, and `sign` throws. */
export function createRecordMac(keys: readonly Buffer[]): RecordMac {
  const known = keys.map(macKeyOf);
  const byId = new Map(known.map((key) => [key.id, key]));
  return {
    sign(key, value) {
      const [first] = known;
      if (first === undefined) throw new Error('there is no key to sign with');
      const mac = macOf(first, Buffer.from(key), value).toString('base64url');
      return { [macHeader]: Buffer.from(`1.${first.id}.${mac}`) };
    },
    check({ key, value, headers }) {
      const header = headers[macHeader];
      if (header === undefined) return { kind: 'absent' };
      const [, keyId, mac] = format.exec(header.toString('latin1')) ?? [];
      if (keyId === undefined || mac === undefined || key === null || value === null) return { kind: 'wrong' };
      const named = byId.get(keyId);
      if (named === undefined) return { kind: 'unknown_key', keyId };
      return timingSafeEqual(macOf(named, key, value), Buffer.from(mac, 'base64url'))
        ? { kind: 'valid' }
        : { kind: 'wrong' };
    },
  };
}

function macKeyOf(bytes: Buffer): MacKey {
  if (bytes.length !== macKeyBytes) throw new RangeError(`a MAC key has ${macKeyBytes} bytes, not ${bytes.length}`);
  return { id: createHash('sha256').update('docket mac key id').update(bytes).digest('hex').slice(0, 8), bytes };
}

/** Of the record's key and its value, with the length of the key between them: neither can be taken for a part of the other. */
function macOf({ bytes }: MacKey, key: Buffer, value: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(key.length);
  return createHmac('sha256', bytes).update('docket record mac 1').update(length).update(key).update(value).digest();
}
