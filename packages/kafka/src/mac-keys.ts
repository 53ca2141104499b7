import { createRecordMac, macKeyBytes, type RecordMac } from '@docket/event';
import { setting, type SettingsOf } from '@docket/runtime';

/** The keys of Docket's own records on the events topic. Whoever reads the topic and whoever writes such records needs the same. */
export const macKeySettings = {
  macKeys: setting.list({
    env: 'DOCKET_MAC_KEYS',
    description:
      'Marks the docket.* events as written by Docket: 32 random bytes in hex, such as from `openssl rand -hex 32`. The first of several signs, all are accepted; a key that signs no more stays in the list until Kafka holds nothing of it',
    pattern: /^[0-9a-f]{64}$/,
    secret: true,
  }),
};

export type MacKeySettings = SettingsOf<typeof macKeySettings>;

/** The MAC of records with the keys of the setting. */
export function recordMacOf({ macKeys }: MacKeySettings): RecordMac {
  return createRecordMac(
    macKeys.map((text) => {
      const bytes = Buffer.from(text, 'hex');
      if (bytes.length !== macKeyBytes) throw new TypeError('a MAC key is not 32 bytes in hex');
      return bytes;
    }),
  );
}
