import { expect, test } from '@jest/globals';
import { ClickHouseError } from '@docket/clickhouse';
import { readFailure, requireShort } from '../../src/pages/read-failure-policy.ts';

test.each([
  [0, 'clickhouse_unavailable'],
  [202, 'clickhouse_unavailable'],
  [241, 'clickhouse_unavailable'],
  [516, 'clickhouse_unavailable'],
  [158, 'query_too_expensive'],
  [159, 'query_too_expensive'],
  [60, 'schema_outdated'],
  [81, 'schema_outdated'],
])('code %i becomes %s, with the cause for the log', (code, expected) => {
  const error = new ClickHouseError(code, 'secret detail of the server');
  expect(readFailure(error)).toMatchObject({
    code: expected,
    cause: error,
    message: expect.not.stringContaining('secret'),
  });
});

test('what is unforeseen stays our bug', () => {
  const error = new ClickHouseError(62, 'syntax');
  expect(readFailure(error)).toBe(error);
  const other = new TypeError('x');
  expect(readFailure(other)).toBe(other);
});

test('a statement has 131,072 characters and 1,000 values at most', () => {
  const params = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`p${n}`, n]));
  const statement = { sql: ' '.repeat(131_072), params };
  expect(requireShort(statement)).toBe(statement);
  const tooMuch = expect.objectContaining({ code: 'query_too_expensive' });
  expect(() => requireShort({ ...statement, sql: `${statement.sql} ` })).toThrow(tooMuch);
  expect(() => requireShort({ ...statement, params: { ...params, another: 1 } })).toThrow(tooMuch);
});
