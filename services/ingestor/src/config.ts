import { clickhouseSettings } from '@docket/clickhouse';
import { kafkaSettings, macKeySettings, registrySettings } from '@docket/kafka';
import { httpSettingsWithPort, logSettings, setting, type SettingsOf } from '@docket/runtime';

export const settings = {
  ...httpSettingsWithPort(8083),
  ...logSettings,
  ...kafkaSettings,
  ...registrySettings,
  ...macKeySettings,
  ...clickhouseSettings,
  blockRowsMax: setting.integer({
    env: 'INGEST_BLOCK_ROWS_MAX',
    description: 'Rows of one insert.',
    default: 100_000,
    min: 1,
    max: 500_000,
  }),
  blockBytesMax: setting.integer({
    env: 'INGEST_BLOCK_BYTES_MAX',
    description: 'Bytes of one insert, as they came from Kafka.',
    unit: 'bytes',
    default: 52 * 1024 * 1024,
    min: 1024,
    max: 128 * 1024 * 1024,
  }),
  blockAgeMsMax: setting.integer({
    env: 'INGEST_BLOCK_AGE_MS_MAX',
    description:
      'How long a row waits for others before its insert begins; up to 2 s while more than a block waits in Kafka.',
    unit: 'ms',
    default: 100,
    min: 0,
    max: 10_000,
  }),
  sourceGapSeconds: setting.integer({
    env: 'INGEST_SOURCE_GAP_SECONDS',
    description:
      'How long a hole in the running numbers of a source (source.counter) is open before it is told as `docket.source.gap`: longer than a producer may be late.',
    unit: 's',
    default: 60,
    min: 1,
    max: 86_400,
  }),
};

export type Config = SettingsOf<typeof settings>;
