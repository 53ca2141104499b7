import { masterKeySettings, sinkSettings } from '@docket/directory';
import { kafkaSettings, macKeySettings, registrySettings } from '@docket/kafka';
import { httpSettingsWithPort, logSettings, setting, trustedProxySettings } from '@docket/runtime';
import type { SettingsOf } from '@docket/runtime';

export const settings = {
  ...httpSettingsWithPort(8082),
  ...logSettings,
  ...trustedProxySettings(1),
  ...kafkaSettings,
  ...registrySettings,
  ...macKeySettings,
  ...masterKeySettings,
  ...sinkSettings,
  bootstrapToken: setting.string({
    env: 'DOCKET_BOOTSTRAP_TOKEN',
    description:
      'A credential that may do everything at the admin API, for making the first key. At least 32 characters of [A-Za-z0-9._~+/=-]; empty it once there is a key with the scope admin, and set another one to get back in without one.',
    secret: true,
    default: '',
    min: 32,
    max: 512,
    pattern: /^[A-Za-z0-9._~+/=-]+$/,
  }),
};

export type Config = SettingsOf<typeof settings>;
