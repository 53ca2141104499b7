import { createHash } from 'node:crypto';

import { setting } from '@docket/runtime';

const masterKeyBytes = 32;

/** The key that seals secrets in the directory. Admin seals, delivery opens; both need the same. */
export const masterKeySettings = {
  masterKey: setting.string({
    env: 'DOCKET_MASTER_KEY',
    description:
      'Seals the secrets of subscriptions: 32 random bytes in base64, such as from `openssl rand -base64 32`. Of several, separated by commas, the first seals and all open; what an older one has sealed needs it in the list.',
    secret: true,
    check: (text) =>
      text.split(',').some((key) => decode(key) === undefined)
        ? `is not ${masterKeyBytes} bytes in base64 (\`openssl rand -base64 32\` makes one)`
        : undefined,
  }),
};

export interface MasterKey {
  /** Names the key in what it sealed; says nothing about it. */
  readonly id: string;
  readonly bytes: Buffer;
  /** Those that seal no more, by their ids. */
  readonly older: ReadonlyMap<string, Buffer>;
}

/** Reads a value of DOCKET_MASTER_KEY. Throws on what the setting's check refuses. */
export function readMasterKey(text: string): MasterKey {
  const [first, ...older] = text.split(',').map((key) => {
    const bytes = decode(key);
    if (bytes === undefined) throw new TypeError(`the master key is not ${masterKeyBytes} bytes in base64`);
    return { id: idOf(bytes), bytes };
  });
  if (first === undefined) throw new TypeError('there is no master key');
  return { ...first, older: new Map(older.map(({ id, bytes }) => [id, bytes])) };
}

function idOf(key: Buffer): string {
  return createHash('sha256').update('docket master key id').update(key).digest('hex').slice(0, 8);
}

function decode(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === masterKeyBytes && bytes.toString('base64') === text ? bytes : undefined;
}
