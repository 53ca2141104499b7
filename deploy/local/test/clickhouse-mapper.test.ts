import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { runFreeBytesMin } from '../src/artifact-policy.ts';
import {
  clickhouseArguments,
  clickhouseConfig,
  clickhousePackage,
  clickhouseUsers,
  readClickHouseProbe,
  widenUsersFile,
} from '../src/clickhouse-mapper.ts';

const plan = {
  port: 21004,
  dataDir: '/data',
  usersFile: '/run/users & more.xml',
  user: 'docket',
  password: 'p<w',
  token: 'T',
};

describe('clickhouseUsers', () => {
  const users = clickhouseUsers(plan);

  test('the user without a password can only open the port and wait', () => {
    const defaultUser = users.slice(users.indexOf('<users>'), users.indexOf('</default>', users.indexOf('<users>')));
    expect(defaultUser.match(/<query>([^<]*)/g)).toEqual([
      '<query>GRANT SYSTEM LISTEN ON *.*',
      '<query>GRANT SELECT ON system.numbers',
    ]);
  });

  test('a stalled sender holds a KILL QUERY for 3 s, not for 30', () => {
    expect(users).toContain('<http_receive_timeout>3</http_receive_timeout>');
  });

  test('the password is escaped, and everybody comes from loopback', () => {
    expect(users).toContain('<password>p&lt;w</password>');
    expect(users.match(/<ip>[^<]*<\/ip>/g)).toEqual(['<ip>127.0.0.1</ip>', '<ip>127.0.0.1</ip>']);
  });
});

describe('widenUsersFile', () => {
  const file = readFileSync(new URL('../../clickhouse/users.d/docket-query.xml', import.meta.url), 'utf8');
  const policies = (text: string): string[] => text.match(/<filter>/g) ?? [];
  const grants = (text: string): string[] => text.match(/<query>[^<]* ON [a-z0-9_]+\./g) ?? [];

  test('I5: repeats every right and every row policy of docket for each database, and nothing else', () => {
    const widened = widenUsersFile(file, ['test_00', 'test_01']);
    expect(policies(widened)).toHaveLength(3 * policies(file).length);
    const own = grants(file).filter((grant) => grant.endsWith('docket.'));
    expect(grants(widened)).toHaveLength(grants(file).length + 2 * own.length);
    for (const name of ['docket', 'test_00', 'test_01']) {
      expect(widened.split(`<${name}>`)).toHaveLength(2);
      expect(widened).toContain(`ON ${name}.audit_events`);
    }
    expect(widened.match(/<docket_query>/g)).toEqual(file.match(/<docket_query>/g));
  });

  test('without further databases it is the file', () => {
    expect(widenUsersFile(file, [])).toBe(file);
  });
});

describe('clickhouseConfig', () => {
  test('names the users file and the token', () => {
    expect(clickhouseConfig(plan)).toContain('<users_config>/run/users &amp; more.xml</users_config>');
    expect(clickhouseConfig(plan)).toContain('<docket_stack>T</docket_stack>');
  });

  test('inserts are refused before the disk is full, and not before a start would be', () => {
    const floor = /<min_free_disk_bytes_to_perform_insert>(\d+)</.exec(clickhouseConfig(plan))?.[1];
    expect(Number(floor)).toBeGreaterThan(0);
    expect(Number(floor)).toBeLessThan(runFreeBytesMin);
  });
});

describe('clickhouseArguments', () => {
  test('serves HTTP on loopback and never ends by itself', () => {
    const args = clickhouseArguments(plan, '/run/config.xml');
    expect(args[0]).toBe('clickhouse');
    expect(args.join(' ')).toContain('--http_port 21004 --listen_host 127.0.0.1');
    expect(args.at(-1)).toContain('SYSTEM START LISTEN HTTP; SELECT sleepEachRow');
    expect(args.join(' ')).not.toContain(plan.password);
  });
});

describe('clickhousePackage', () => {
  test.each([
    ['linux', 'x64', '@chdb/lib-linux-x64-gnu'],
    ['linux', 'arm64', '@chdb/lib-linux-arm64-gnu'],
    ['darwin', 'x64', '@chdb/lib-darwin-x64'],
    ['darwin', 'arm64', '@chdb/lib-darwin-arm64'],
    ['win32', 'x64', null],
    ['linux', 'ia32', null],
  ])('%s on %s: %s', (platform, arch, expected) => {
    expect(clickhousePackage(platform, arch)).toBe(expected);
  });
});

describe('readClickHouseProbe', () => {
  test('gives the version only when the token is ours', () => {
    expect(readClickHouseProbe('T\t26.7.2.1\n', 'T')).toBe('26.7.2.1');
    expect(readClickHouseProbe('U\t26.7.2.1\n', 'T')).toBeNull();
    expect(readClickHouseProbe('Code: 139. DB::Exception: No macro', 'T')).toBeNull();
  });
});
