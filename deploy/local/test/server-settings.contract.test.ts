import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { clickhouseSettings, createClickHouse, type ClickHouse } from '@docket/clickhouse';
import { readSettings } from '@docket/runtime';
import { stackFromEnv } from '@docket/testkit';
import { readFileSync } from 'node:fs';

const file = readFileSync(new URL('../../clickhouse/config.d/docket.xml', import.meta.url), 'utf8');

let clickhouse: ClickHouse;
beforeAll(() => {
  clickhouse = createClickHouse(readSettings(clickhouseSettings, { ...stackFromEnv(), CLICKHOUSE_DATABASE: 'system' }));
});
afterAll(() => clickhouse.close());

test('the server has every setting of config.d/docket.xml', async () => {
  const wanted = [...file.matchAll(/^ {2}<(\w+)>([^<]*)</gm)].map(([, name, value]) => ({ name, value }));
  expect(wanted).not.toEqual([]);
  const sql = 'SELECT name, value FROM system.server_settings WHERE has({names:Array(String)}, name)';
  expect(await clickhouse.query(sql, { names: wanted.map(({ name }) => name) })).toEqual(wanted);
});
