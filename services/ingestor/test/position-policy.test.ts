import { describe, expect, test } from '@jest/globals';
import { startOf } from '../src/position-policy.ts';

describe('where reading begins', () => {
  test.each([
    ['nothing stored, an empty topic', null, [0, 0], { kind: 'fetch', from: 0, expectStored: false }],
    ['nothing stored, a whole topic', null, [0, 9], { kind: 'fetch', from: 0, expectStored: false }],
    ['nothing stored, the beginning is gone', null, [3, 9], { kind: 'stop', reason: 'truncated' }],
    ['the last stored record is there', 5, [0, 9], { kind: 'fetch', from: 5, expectStored: true }],
    ['the last stored record is the first one', 5, [5, 9], { kind: 'fetch', from: 5, expectStored: true }],
    ['the last stored record has just gone, nothing more', 5, [6, 9], { kind: 'fetch', from: 6, expectStored: false }],
    ['a record after the last stored one is gone', 5, [7, 9], { kind: 'stop', reason: 'truncated' }],
    ['everything is stored', 5, [0, 6], { kind: 'fetch', from: 5, expectStored: true }],
    ['everything is stored and gone', 5, [6, 6], { kind: 'fetch', from: 6, expectStored: false }],
    ['the partition ends before the last stored record', 5, [0, 5], { kind: 'stop', reason: 'beyond_end' }],
  ])('I4: %s', (_name, stored, [earliest = 0, next = 0], decision) => {
    expect(startOf(stored === null ? null : { offset: stored }, { earliest, next })).toMatchObject(decision);
  });
});
