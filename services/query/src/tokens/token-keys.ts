import { createHash, hkdfSync } from 'node:crypto';
import { setting } from '@docket/runtime';

const keyBytes = 32;
/** One that is used and one that goes are enough; more only cost memory. */
const keysMax = 8;

/** The secrets of what this service hands out. All of its instances need the same. */
export const tokenKeySettings = {
  tokenKeys: setting.list({
    env: 'DOCKET_TOKEN_KEYS',
    description:
      'Sign viewer tokens, seal cursors and tickets of exports: 32 random bytes in base64 each, such as from `openssl rand -base64 32`. The first is used, all are accepted: to change it, add the new one at the end everywhere, then move it to the front, and remove the old one 15 minutes later.',
    secret: true,
    check: (texts) => {
      if (texts.length > keysMax) return `names ${texts.length} keys, at most ${keysMax} are allowed`;
      if (texts.some((text) => decode(text) === undefined)) return `has a key that is not ${keyBytes} bytes in base64`;
      return new Set(texts).size < texts.length ? 'names a key twice' : undefined;
    },
  }),
};

export interface TokenKey {
  /** Names the key in what it made; says nothing about it. */
  readonly id: string;
  /** Of HMAC-SHA256, for viewer tokens. */
  readonly signing: Uint8Array;
  /** Of AES-256-GCM, for cursors. */
  readonly sealing: Uint8Array;
  /** The same, for tickets of exports. */
  readonly ticketSealing: Uint8Array;
}

/** Reads a value of DOCKET_TOKEN_KEYS. Throws on what the setting's check refuses. */
export function readTokenKeys(texts: readonly string[]): readonly [TokenKey, ...TokenKey[]] {
  const [first, ...others] = texts.map((text) => {
    const bytes = decode(text);
    if (bytes === undefined) throw new TypeError(`a token key is not ${keyBytes} bytes in base64`);
    const id = createHash('sha256').update('docket token key id').update(bytes).digest('hex').slice(0, 8);
    return {
      id,
      signing: derive(bytes, 'docket viewer token'),
      sealing: derive(bytes, 'docket cursor'),
      ticketSealing: derive(bytes, 'docket export ticket'),
    };
  });
  if (first === undefined) throw new TypeError('there is no token key');
  return [first, ...others];
}

/** RFC 5869: one secret, a key of its own for each use. */
function derive(bytes: Buffer, use: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', bytes, '', use, keyBytes));
}

function decode(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === keyBytes && bytes.toString('base64') === text ? bytes : undefined;
}
