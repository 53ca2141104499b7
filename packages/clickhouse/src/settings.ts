import { setting, type SettingsOf } from '@docket/runtime';

/** Where ClickHouse is. Every statement runs in CLICKHOUSE_DATABASE; no SQL of Docket names a database. */
export const clickhouseSettings = {
  clickhouseUrl: setting.url({ env: 'CLICKHOUSE_URL', description: 'HTTP address of ClickHouse.' }),
  clickhouseUser: setting.string({ env: 'CLICKHOUSE_USER', description: 'User at ClickHouse.', default: 'default' }),
  clickhousePassword: setting.string({
    env: 'CLICKHOUSE_PASSWORD',
    description: 'Password of that user; empty for none.',
    secret: true,
    default: '',
  }),
  clickhouseDatabase: setting.string({
    env: 'CLICKHOUSE_DATABASE',
    description: 'Database that holds the tables; `docket migrate` creates it.',
    pattern: /^[A-Za-z_][A-Za-z0-9_]{0,62}$/,
    default: 'docket',
  }),
};

export type ClickHouseConfig = SettingsOf<typeof clickhouseSettings>;
