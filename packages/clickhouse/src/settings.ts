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

/** The same for the query service: a user of its own, which ClickHouse holds to one tenant a request (deploy/clickhouse). */
export const queryClickhouseSettings = {
  clickhouseUrl: clickhouseSettings.clickhouseUrl,
  clickhouseQueryUser: setting.string({
    env: 'CLICKHOUSE_QUERY_USER',
    description:
      'User of the query service at ClickHouse; one that its row policies hold to a tenant (deploy/clickhouse).',
    default: 'docket_query',
  }),
  clickhouseQueryPassword: setting.string({
    env: 'CLICKHOUSE_QUERY_PASSWORD',
    description: 'Password of that user; empty for none.',
    secret: true,
    default: '',
  }),
  clickhouseExportsUser: setting.string({
    env: 'CLICKHOUSE_EXPORTS_USER',
    description:
      'User with which the query service writes down what it has exported; it reads no log (deploy/clickhouse). Its password is CLICKHOUSE_QUERY_PASSWORD.',
    default: 'docket_exports',
  }),
  clickhouseDatabase: clickhouseSettings.clickhouseDatabase,
};

/** Connects as the user of the query service. */
export function queryClickhouseConfig(config: SettingsOf<typeof queryClickhouseSettings>): ClickHouseConfig {
  const { clickhouseUrl, clickhouseDatabase, clickhouseQueryUser, clickhouseQueryPassword } = config;
  return {
    clickhouseUrl,
    clickhouseDatabase,
    clickhouseUser: clickhouseQueryUser,
    clickhousePassword: clickhouseQueryPassword,
  };
}

export type ClickHouseConfig = SettingsOf<typeof clickhouseSettings>;
