import { describe, expect, test } from '@jest/globals';
import { ClickHouseError, reasonOfInsertFailure } from '../src/error-policy.ts';

describe('reasonOfInsertFailure', () => {
  const version = '(FUNCTION_THROW_IF_VALUE_IS_NON_ZERO) (version 26.7.2.1)';

  test.each([
    ['the guard', 395, `Code: 395. DB::Exception: fenced: while executing 'FUNCTION throwIf(…)'. ${version}`, 'fenced'],
    ['the guard without a place', 395, `Code: 395. DB::Exception: fenced. ${version}`, 'fenced'],
    [
      'another throwIf',
      395,
      `Code: 395. DB::Exception: Value passed to 'throwIf' function is non-zero: fenced ${version}`,
      'unavailable',
    ],
    [
      'another throwIf whose text begins alike',
      395,
      `Code: 395. DB::Exception: fenced-off: x ${version}`,
      'unavailable',
    ],
    ['a value that says fenced', 117, 'Code: 117. DB::Exception: fenced: in the data', 'refused'],
    ['a code in the text only', 252, 'Code: 395. DB::Exception: fenced: x', 'unavailable'],
    ['too many parts', 252, 'too many parts', 'unavailable'],
    ['a read-only user', 164, 'Cannot execute query in readonly mode', 'unavailable'],
    ['a read-only table', 242, 'Table is in readonly mode', 'unavailable'],
    ['a table that was made read-only', 774, 'Table is in readonly mode', 'unavailable'],
    ['too little space', 243, 'not enough free space', 'unavailable'],
    ['a full disk, at the write', 75, 'Cannot write to file, errno: 28', 'unavailable'],
    ['a full disk, at the opening of a file', 76, 'Cannot open file, errno: 28', 'unavailable'],
    ['no memory', 241, 'memory limit', 'unavailable'],
    ['a kill', 394, 'Query was cancelled', 'unavailable'],
    ['no answer', 0, 'ECONNREFUSED', 'unavailable'],
    ['a bad enum', 691, 'Unknown element', 'refused'],
    ['nested arrays of two lengths', 190, 'sizes', 'refused'],
    ['a missing table', 60, 'unknown table', 'unavailable'],
    ['a cut body', 33, 'cannot read all data', 'unavailable'],
    ['a code that nobody knows', 4_711, 'new', 'unavailable'],
  ])('%s', (_, code, message, expected) => {
    expect(reasonOfInsertFailure(code, message)).toBe(expected);
  });
});

describe('ClickHouseError', () => {
  test.each([
    [0, 'unavailable'],
    [159, 'unavailable'],
    [202, 'unavailable'],
    [516, 'unavailable'],
    [62, 'refused'],
    [4_711, 'refused'],
  ])('code %i of a query is %s', (code, reason) => {
    expect(new ClickHouseError(code, 'x').reason).toBe(reason);
  });
});
