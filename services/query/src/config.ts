import { queryClickhouseSettings } from '@docket/clickhouse';
import { kafkaSettings, macKeySettings, registrySettings } from '@docket/kafka';
import {
  httpSettingsWithPort,
  logSettings,
  setting,
  trustedProxySettings,
  viewerOriginSettings,
  type SettingsOf,
} from '@docket/runtime';
import { tokenKeySettings } from './tokens/token-keys.ts';
import { trailSettings } from './trail/trail-settings.ts';

export const settings = {
  ...httpSettingsWithPort(8081),
  ...logSettings,
  ...trustedProxySettings(1),
  ...kafkaSettings,
  ...registrySettings,
  ...macKeySettings,
  ...queryClickhouseSettings,
  ...tokenKeySettings,
  ...viewerOriginSettings,
  ...trailSettings,
  queryTimeoutMs: setting.integer({
    env: 'QUERY_TIMEOUT_MS',
    description:
      'How long one read may take in ClickHouse; a read that takes longer is answered 422 query_too_expensive.',
    unit: 'ms',
    default: 10_000,
    min: 100,
    max: 300_000,
  }),
  queryRangeDaysMax: setting.integer({
    env: 'QUERY_RANGE_DAYS_MAX',
    description: 'Longest range from since to until of one search; since is then required. 0 sets no limit.',
    unit: 'days',
    default: 0,
    min: 0,
    max: 36_500,
  }),
  queryConcurrencyMax: setting.integer({
    env: 'QUERY_CONCURRENCY_MAX',
    description: 'Reads under way in ClickHouse at once; more are answered 503 overloaded.',
    default: 64,
    min: 1,
    max: 1_000,
  }),
  queryTenantConcurrencyMax: setting.integer({
    env: 'QUERY_TENANT_CONCURRENCY_MAX',
    description: 'Reads of one tenant under way at once; more are answered 429 rate_limited.',
    default: 16,
    min: 1,
    max: 1_000,
  }),
  queryKeyConcurrencyMax: setting.integer({
    env: 'QUERY_KEY_CONCURRENCY_MAX',
    description:
      'Reads with one key, or with its viewer tokens for one tenant, under way at once, whatever the tenants; more are answered 429 rate_limited.',
    default: 16,
    min: 1,
    max: 1_000,
  }),
  queryAnswerBytesMax: setting.integer({
    env: 'QUERY_ANSWER_BYTES_MAX',
    description:
      'Bytes of answers that are held at once until they are sent, pages of tails included, of one tenant or key at most half of what the others leave: pages of large events end earlier where there is no room. They take some seven times as much memory.',
    unit: 'bytes',
    default: 64 * 1024 * 1024,
    // Four of the largest rows of one tenant.
    min: 16 * 1024 * 1024,
    max: 16 * 1024 * 1024 * 1024,
  }),
  tailStreamsMax: setting.integer({
    env: 'TAIL_STREAMS_MAX',
    description:
      'Tails that are open at once, half of them of one tenant at most; more are answered 503 overloaded, or 429 rate_limited.',
    default: 100,
    min: 0,
    max: 10_000,
  }),
  tailKeyStreamsMax: setting.integer({
    env: 'TAIL_KEY_STREAMS_MAX',
    description:
      'Tails with one key, or with its viewer tokens for one tenant, that are open at once; more are answered 429 rate_limited.',
    default: 20,
    min: 0,
    max: 10_000,
  }),
  tailPollMs: setting.integer({
    env: 'TAIL_POLL_MS',
    description: 'How often a tail looks for new rows in ClickHouse; tails of one log share a look.',
    unit: 'ms',
    default: 500,
    min: 50,
    max: 10_000,
  }),
  exportConcurrencyMax: setting.integer({
    env: 'EXPORT_CONCURRENCY_MAX',
    description:
      'Exports under way at once, half of them of one tenant at most; more are answered 503 overloaded, or 429 rate_limited.',
    default: 4,
    min: 1,
    max: 100,
  }),
  exportKeyConcurrencyMax: setting.integer({
    env: 'EXPORT_KEY_CONCURRENCY_MAX',
    description:
      'Exports with one key, or with its viewer tokens for one tenant, under way at once; more are answered 429 rate_limited.',
    default: 2,
    min: 1,
    max: 100,
  }),
  exportTimeoutMs: setting.integer({
    env: 'EXPORT_TIMEOUT_MS',
    description: 'How long one export may take; it is then broken off.',
    unit: 'ms',
    default: 3_600_000,
    min: 1_000,
    // What ClickHouse lets the service's user ask for.
    max: 21_600_000,
  }),
  exportRangeDaysMax: setting.integer({
    env: 'EXPORT_RANGE_DAYS_MAX',
    description: 'Longest range from since to until of one export; since is then required. 0 sets no limit.',
    unit: 'days',
    default: 0,
    min: 0,
    max: 36_500,
  }),
  queryWaitersMax: setting.integer({
    env: 'QUERY_WAITERS_MAX',
    description:
      'Requests that wait for an event to become readable at once, half of them of one tenant at most; more are answered without waiting.',
    default: 500,
    min: 0,
    max: 10_000,
  }),
};

export type Config = SettingsOf<typeof settings>;
