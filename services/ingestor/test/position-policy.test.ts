import { describe, expect, test } from '@jest/globals';
import { nilId } from '@docket/event';
import { isSameRecord, startOf } from '../src/position-policy.ts';

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
    expect(startOf({ lastOffset: stored, startOffset: 0 }, { earliest, next })).toMatchObject(decision);
  });
});

describe('a generation that goes on in the middle of a partition', () => {
  test.each([
    ['begins there', [0, 9], { kind: 'fetch', from: 4, expectStored: false }],
    ['and lacks records from there on is stopped', [5, 9], { kind: 'stop', reason: 'truncated' }],
    ['that ends before is stopped', [0, 3], { kind: 'stop', reason: 'beyond_end' }],
  ])('I4: %s', (_name, [earliest = 0, next = 0], decision) => {
    expect(startOf({ lastOffset: null, startOffset: 4 }, { earliest, next })).toMatchObject(decision);
  });
});

describe('the record at the last stored offset', () => {
  const stored = { offset: 7, receivedAtMs: 1000, log: 'acme', id: '0199f3c2-0000-7000-8000-000000000001' };
  const another = '0199f3c2-0000-7000-8000-000000000002';
  test.each([
    ['is the stored one', {}, true],
    ['was unreadable when it was stored, and its schema is known now', { id: nilId }, true],
    ['has another id', { id: another }, false],
    ['came at another time', { receivedAtMs: 1001, id: nilId }, false],
    ['is of another log', { log: '!p1', id: nilId }, false],
    ['is gone: the first one left is a later one', { offset: 8 }, false],
  ])('I4: %s', (_name, changed, isSame) => {
    expect(isSameRecord(stored, { ...stored, ...changed })).toBe(isSame);
    expect(isSameRecord({ ...stored, ...changed }, stored)).toBe(isSame);
  });
});
