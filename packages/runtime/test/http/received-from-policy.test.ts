import { expect, test } from '@jest/globals';

import { receivedFrom } from '../../src/http/received-from-policy.ts';

test.each([
  ['203.0.113.7', undefined, 0, '203.0.113.7'],
  ['::ffff:203.0.113.7', undefined, 0, '203.0.113.7'],
  ['2001:db8::1', undefined, 0, '2001:db8::1'],
  ['10.0.0.1', '203.0.113.7', 0, '10.0.0.1'],
  ['10.0.0.1', '203.0.113.7', 1, '203.0.113.7'],
  ['10.0.0.1', '1.1.1.1, 203.0.113.7', 1, '203.0.113.7'],
  ['10.0.0.1', '1.1.1.1, 203.0.113.7, 10.0.0.2', 2, '203.0.113.7'],
  ['10.0.0.1', '203.0.113.7', 5, '203.0.113.7'],
  ['10.0.0.1', undefined, 1, '10.0.0.1'],
  ['10.0.0.1', 'unknown', 1, '10.0.0.1'],
  ['10.0.0.1', '<script>', 1, '10.0.0.1'],
  [undefined, undefined, 0, ''],
])('connection %p, X-Forwarded-For %p, %i trusted → %s', (connection, forwardedFor, hops, expected) => {
  expect(receivedFrom(connection, forwardedFor, hops)).toBe(expected);
});
