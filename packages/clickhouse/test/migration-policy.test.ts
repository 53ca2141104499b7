import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { clickhouseMigrationsDirectory } from '@docket/schemas';
import {
  orderMigrations,
  parseMigration,
  planMigrations,
  splitStatements,
  type Migration,
} from '../src/migration-policy.ts';

const migration = (version: number, checksum = `sum${version}`): Migration => ({
  version,
  name: `m${version}`,
  checksum,
  statements: ['x'],
});

describe('parseMigration', () => {
  test('gives version, name, checksum and statements', () => {
    const parsed = parseMigration('000007_add_x.sql', 'CREATE TABLE IF NOT EXISTS t (a String);\n');
    expect(parsed).toEqual({
      version: 7,
      name: 'add_x',
      checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
      statements: ['CREATE TABLE IF NOT EXISTS t (a String)'],
    });
  });

  test.each(['7_x.sql', '000007.sql', '000007_X.sql', '0000007_x.sql'])('refuses the name %s', (file) => {
    expect(() => parseMigration(file, 'CREATE TABLE IF NOT EXISTS t (a String)')).toThrow('NNNNNN_name.sql');
  });

  test.each([
    'CREATE TABLE t (a String)',
    'ALTER TABLE t ADD COLUMN a String',
    'INSERT INTO t SELECT 1',
    'DROP TABLE t',
    'RENAME TABLE a TO b',
    'TRUNCATE TABLE t',
    'ALTER TABLE t DELETE WHERE 1',
  ])('refuses what cannot run twice: %s', (sql) => {
    expect(() => parseMigration('000001_x.sql', sql)).toThrow('so that it can run twice');
  });

  test.each([
    'CREATE OR REPLACE VIEW v AS SELECT 1',
    'ALTER TABLE t ADD COLUMN IF NOT EXISTS a String',
    'ALTER TABLE t DROP INDEX IF EXISTS i',
    'ALTER TABLE t MODIFY SETTING x = 1',
  ])('accepts %s', (sql) => {
    expect(parseMigration('000001_x.sql', sql).statements).toEqual([sql]);
  });

  test('the files of this release keep the rules and name no database', () => {
    const files = readdirSync(clickhouseMigrationsDirectory).filter((file) => file.endsWith('.sql'));
    const parsed = orderMigrations(
      files.map((file) => parseMigration(file, readFileSync(join(clickhouseMigrationsDirectory, file), 'utf8'))),
    );
    expect(parsed.map(({ version }) => version)).toEqual(parsed.map((_, index) => index + 1));
    expect(parsed[0]?.name).toBe('schema_migrations');
  });
});

test('splitStatements: a semicolon at a line’s end ends a statement, elsewhere and in comments it does not', () => {
  const text = "-- one; two;\nCREATE a ';' b;\n\n  -- three;\nCREATE c\n  -- four;\n  d;  \n;\n";
  expect(splitStatements(text)).toEqual(["CREATE a ';' b", 'CREATE c\n\n  d']);
});

test('orderMigrations refuses two files of one number', () => {
  expect(() => orderMigrations([migration(2), migration(1), { ...migration(2), name: 'other' }])).toThrow(
    'both number 2',
  );
});

describe('planMigrations', () => {
  const files = [migration(1), migration(2), migration(3)];

  test('what is not applied is pending, in order', () => {
    const plan = planMigrations(files, [migration(1)]);
    expect(plan.ok && plan.pending.map(({ version }) => version)).toEqual([2, 3]);
  });

  test('nothing is pending when all is applied, even recorded twice', () => {
    expect(planMigrations(files, [...files, ...files])).toEqual({ ok: true, pending: [], unknown: [] });
  });

  test('an applied file that has changed is refused, with what to do', () => {
    const plan = planMigrations(files, [migration(1), migration(2, 'other')]);
    expect(plan).toEqual({
      ok: false,
      problem: expect.stringMatching(/^migration 000002_m2 was applied with another text .* restore the file/),
    });
  });

  test('a file that comes before an applied one is refused', () => {
    expect(planMigrations(files, [migration(1), migration(3)])).toEqual({
      ok: false,
      problem: expect.stringContaining('number it higher'),
    });
  });

  test('an older release tolerates what a newer one has applied', () => {
    const plan = planMigrations(files, [...files, migration(4)]);
    expect(plan.ok && plan.unknown.map(({ version }) => version)).toEqual([4]);
  });
});
