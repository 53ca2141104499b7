import { setting, type SettingsOf } from '@docket/runtime';

/** Settings of the commands that call the API. */
export const clientSettings = {
  docketUrl: setting.url({
    env: 'DOCKET_URL',
    description: 'The gateway that the commands tenants, keys, subscriptions, search, tail and quarantine call.',
    default: 'http://127.0.0.1:8080',
  }),
  docketKey: setting.string({
    env: 'DOCKET_KEY',
    description:
      'The credential of these commands: a key, `dk_<id>_<secret>`, or for the first key DOCKET_BOOTSTRAP_TOKEN.',
    secret: true,
    max: 512,
    pattern: /^[A-Za-z0-9._~+/=-]+$/,
  }),
};

export type ClientConfig = SettingsOf<typeof clientSettings>;
