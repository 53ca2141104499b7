import { describe, expect, test } from '@jest/globals';
import { insertQueryId, insertQueryIdPrefix, insertSql, isForeignInsert } from '../src/insert-sql-mapper.ts';

const ours = '0199f3c2-0000-7000-8000-00000000000a';
const theirs = '0199f3c2-0000-7000-8000-00000000000b';
const columns = [
  { name: 'status', type: "Enum8('accepted'=1)" },
  { name: 'resources.type', type: 'Array(String)' },
];

describe('insertSql', () => {
  test('is the statement of the guarded insert, partitions in order', () => {
    const guard = {
      generation: 1,
      owners: new Map([
        [10, theirs],
        [2, ours],
      ]),
    };
    const sql = insertSql('audit_events', columns, { guard, token: `${ours}/7` });
    expect(sql.split('\n').filter((line) => !line.startsWith('SETTINGS'))).toEqual([
      'INSERT INTO `audit_events` (`status`, `resources.type`)',
      "SELECT `status`, `resources.type` FROM input('`status` Enum8(\\'accepted\\'=1), `resources.type` Array(String)')",
      'WHERE throwIf((SELECT arraySort(groupArray((partition, owner))) FROM (SELECT partition, argMax(owner, (epoch, owner)) AS owner ' +
        'FROM ingest_fence WHERE generation = 1 AND partition IN (2, 10) GROUP BY partition)) ' +
        `!= CAST([(2, '${ours}'), (10, '${theirs}')] AS Array(Tuple(UInt16, UUID))), 'fenced') = 0`,
      'FORMAT Native',
    ]);
  });

  test('names its token and keeps the block whole', () => {
    const sql = insertSql('t', columns, { token: "it's" });
    expect(sql).toContain("insert_deduplication_token = 'it\\'s'");
    expect(sql).toContain('async_insert = 0');
    expect(sql).toContain('throw_on_max_partitions_per_insert_block = 1');
    expect(sql).not.toContain('WHERE');
  });

  test.each([
    ['no partition', { generation: 1, owners: new Map<number, string>() }],
    ['an owner that is no UUID', { generation: 1, owners: new Map([[1, "x'"]]) }],
    ['a partition that is no UInt16', { generation: 1, owners: new Map([[65_536, ours]]) }],
    ['a generation that is no UInt16', { generation: -1, owners: new Map([[1, ours]]) }],
  ])('a guard with %s is a bug', (_, guard) => {
    expect(() => insertSql('t', columns, { guard, token: 'a' })).toThrow();
  });
});

describe('isForeignInsert', () => {
  const claimed = {
    generation: 1,
    owners: new Map([
      [2, ours],
      [3, ours],
    ]),
  };
  const idOf = (generation: number, owners: [number, string][]): string =>
    insertQueryId({ generation, owners: new Map(owners) }, 'nonce');

  test.each([
    ['another owner of a claimed partition', idOf(1, [[2, theirs]]), true],
    [
      'another owner of one of several',
      idOf(1, [
        [9, theirs],
        [3, theirs],
      ]),
      true,
    ],
    [
      'our own',
      idOf(1, [
        [2, ours],
        [3, ours],
      ]),
      false,
    ],
    ['another owner of other partitions', idOf(1, [[9, theirs]]), false],
    ['another generation', idOf(2, [[2, theirs]]), false],
    ['something else', 'some-query', false],
    ['a partition whose number begins alike', idOf(1, [[23, theirs]]), false],
  ])('%s', (_, id, expected) => {
    expect(isForeignInsert(id, claimed)).toBe(expected);
  });

  test('every id begins with its generation', () => {
    expect(idOf(1, [[2, ours]]).startsWith(insertQueryIdPrefix(1))).toBe(true);
    expect(idOf(11, [[2, ours]]).startsWith(insertQueryIdPrefix(1))).toBe(false);
  });
});
