import { kafkaSettings, registrySettings } from '@docket/kafka';
import {
  httpSettingsWithPort,
  logSettings,
  setting,
  trustedProxySettings,
  viewerOriginSettings,
} from '@docket/runtime';
import type { SettingsOf } from '@docket/runtime';

/** What accepting events needs; all-in-one takes these and serves the reads itself. */
export const ingestSettings = {
  ...httpSettingsWithPort(8080),
  ...logSettings,
  ...kafkaSettings,
  ...registrySettings,
  tenantsAutocreate: setting.boolean({
    env: 'TENANTS_AUTOCREATE',
    description:
      'Whether events of tenants that the directory does not know are accepted. Their logs begin with the first event; the directory lists them only once they are created there.',
    default: true,
  }),
  inFlightBytesMax: setting.integer({
    env: 'GATEWAY_IN_FLIGHT_BYTES_MAX',
    description:
      'Bytes of request bodies that are being read or published at once; beyond it requests are answered 503 overloaded. One key gets at most half of what the others leave, and one request while there is room; beyond that 429 rate_limited.',
    unit: 'bytes',
    // Room for six of the largest requests, three of one key; a body costs a few times its size while it is parsed.
    default: 64 * 1024 * 1024,
    // A gzip body counts as twice the largest body, and a key gets half.
    min: 32 * 1024 * 1024,
    max: 4 * 1024 * 1024 * 1024,
  }),
  judgeThreads: setting.integer({
    env: 'GATEWAY_JUDGE_THREADS',
    description:
      'Threads that read, check and encode bodies of more than 128 KiB, and of those that are not plainly good more than 8 KiB, so that none of them holds up the others. 0: the thread that serves everybody does it.',
    // The serving thread takes what one of them makes, and each has a heap of its own.
    default: 1,
    min: 0,
    max: 64,
  }),
  keyEventsPerSecond: setting.integer({
    env: 'GATEWAY_KEY_EVENTS_PER_SECOND',
    description:
      'Events that one key may send a second through one gateway, on average over ten seconds; beyond it requests are answered 429 rate_limited. 0 sets no limit.',
    // More than one process takes: a bound for a producer gone wild, not a plan.
    default: 100_000,
    min: 0,
    max: 100_000_000,
  }),
  tenantEventsPerSecond: setting.integer({
    env: 'GATEWAY_TENANT_EVENTS_PER_SECOND',
    description:
      'The same for the events of one tenant, whichever keys they come with. A tenant has one partition of Kafka, and one consumer of it.',
    default: 20_000,
    min: 0,
    max: 100_000_000,
  }),
  ...trustedProxySettings(0),
};

export const settings = {
  ...ingestSettings,
  ...viewerOriginSettings,
  queryUrl: setting.url({
    env: 'QUERY_URL',
    description: 'The query service, to which reads are passed on.',
    default: 'http://127.0.0.1:8081',
  }),
  adminUrl: setting.url({
    env: 'ADMIN_URL',
    description: 'The admin service, to which tenants, keys and subscriptions are passed on.',
    default: 'http://127.0.0.1:8082',
  }),
  deliveryUrl: setting.url({
    env: 'DELIVERY_URL',
    description: 'The delivery service, to which questions about how a subscription fares are passed on.',
    default: 'http://127.0.0.1:8084',
  }),
};

export type IngestConfig = SettingsOf<typeof ingestSettings>;
export type Config = SettingsOf<typeof settings>;
