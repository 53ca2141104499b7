import { createHash } from 'node:crypto';

import { setting } from '@docket/runtime';

const masterKeyBytes = 32;

/** The key that seals secrets in the directory. Admin seals, delivery opens; both need the same. */
export const masterKeySettings = {
  masterKey: setting.string({
    env: 'DOCKET_MASTER_KEY',
    description: 'Seals webhook secrets: 32 random bytes in base64, such as from `openssl rand -base64 32`.',
    secret: true,
    check: (text) =>
      decode(text) === undefined
        ? `is not ${masterKeyBytes} bytes in base64 (\`openssl rand -base64 32\` makes one)`
        : undefined,
  }),
};

export interface MasterKey {
  /** Names the key in what it sealed; says nothing about it. */
  readonly id: string;
  readonly bytes: Buffer;
}

/** Reads a value of DOCKET_MASTER_KEY. Throws on what the setting's check refuses. */
export function readMasterKey(text: string): MasterKey {
  const bytes = decode(text);
  if (bytes === undefined) throw new TypeError(`the master key is not ${masterKeyBytes} bytes in base64`);
  const id = createHash('sha256').update('docket master key id').update(bytes).digest('hex').slice(0, 8);
  return { id, bytes };
}

function decode(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === masterKeyBytes && bytes.toString('base64') === text ? bytes : undefined;
}
