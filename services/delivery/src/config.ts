import { clickhouseSettings } from '@docket/clickhouse';
import { masterKeySettings, sinkSettings, webhookSecretBytes } from '@docket/directory';
import { kafkaSettings, macKeySettings, registrySettings } from '@docket/kafka';
import { httpSettingsWithPort, logSettings, setting, trustedProxySettings, type SettingsOf } from '@docket/runtime';

export const settings = {
  ...httpSettingsWithPort(8084),
  ...logSettings,
  ...kafkaSettings,
  ...registrySettings,
  ...macKeySettings,
  ...clickhouseSettings,
  ...masterKeySettings,
  ...sinkSettings,
  // The gateway is in front of it.
  ...trustedProxySettings(1),
  tailBytesMax: setting.integer({
    env: 'DELIVERY_TAIL_BYTES_MAX',
    description: 'The newest records of one partition that are kept for delivery; older ones are read from ClickHouse.',
    unit: 'bytes',
    default: 8 * 1024 * 1024,
    min: 64 * 1024,
    max: 1024 * 1024 * 1024,
  }),
  inFlightMax: setting.integer({
    env: 'DELIVERY_IN_FLIGHT_MAX',
    description:
      'Requests to healthy receivers under way at once; those that catch up, those to receivers that have never acknowledged anything, those to ones that have failed just now and those to failing ones have pools of their own, each of a quarter of this, and those that have become slow one of 32 times this.',
    default: 128,
    min: 4,
    max: 4096,
  }),
  proofIntervalSeconds: setting.integer({
    env: 'DELIVERY_PROOF_INTERVAL_SECONDS',
    description:
      'An idle subscription is sent a batch without events this long after it was last told anything: a proof that nothing happened. 0: never.',
    unit: 'seconds',
    default: 3_600,
    min: 0,
    max: 86_400,
  }),
  noticeAfterSeconds: setting.integer({
    env: 'DELIVERY_NOTICE_AFTER_SECONDS',
    description:
      'A subscription whose receiver has taken nothing for so long is told of: docket.subscription.failing in the log of its tenant, and the webhook of NOTICE_WEBHOOK_URL.',
    unit: 'seconds',
    default: 60,
    min: 0,
    max: 86_400,
  }),
  noticeWebhookUrl: setting.string({
    env: 'NOTICE_WEBHOOK_URL',
    description:
      "The operator's webhook: is sent docket.subscription.failing, suspended and recovered of every subscription, signed with NOTICE_WEBHOOK_SECRET. Empty: none.",
    default: '',
    max: 2048,
    check: (text) =>
      text === '' || (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol))
        ? undefined
        : 'is no http or https URL',
  }),
  noticeWebhookSecret: setting.string({
    env: 'NOTICE_WEBHOOK_SECRET',
    description: 'Signs what NOTICE_WEBHOOK_URL is sent (Standard Webhooks): `whsec_` and base64 of 24 to 64 bytes.',
    secret: true,
    default: '',
    check: (text) =>
      text === '' || webhookSecretBytes(text) !== undefined ? undefined : 'is not whsec_ and base64 of 24 to 64 bytes',
  }),
  suspendAfterSeconds: setting.integer({
    env: 'DELIVERY_SUSPEND_AFTER_SECONDS',
    description:
      'A subscription whose receiver has taken nothing for so long is suspended: nothing more is sent, and its cursor is kept, until its owner resumes it.',
    unit: 'seconds',
    default: 7 * 86_400,
    min: 1,
    max: 366 * 86_400,
  }),
};

export type Config = SettingsOf<typeof settings>;
