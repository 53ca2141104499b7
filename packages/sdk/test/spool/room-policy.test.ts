import { describe, expect, test } from '@jest/globals';
import { fullnessOf, type Standing } from '../../src/spool/room-policy.ts';

const nothing = { events: 0, bytes: 0 };
const free: Standing = {
  kept: 'disk',
  room: { events: Infinity, bytes: 100 },
  waiting: nothing,
  coming: { events: 1, bytes: 10 },
  tenantId: 't',
  ofTenant: nothing,
  isHeldBack: false,
  isShared: false,
};

describe('I8: a spool', () => {
  test.each([
    ['bytes', { waiting: { events: 9, bytes: 90 } }, { waiting: { events: 9, bytes: 91 } }],
    [
      'events',
      { room: { events: 4, bytes: 100 }, waiting: { events: 3, bytes: 3 } },
      { room: { events: 4, bytes: 100 }, waiting: { events: 4, bytes: 4 } },
    ],
  ])('has room up to its limit of %s, not beyond', (_, within, beyond) => {
    expect(fullnessOf({ ...free, ...within })).toBeUndefined();
    expect(fullnessOf({ ...free, ...beyond })).toMatchObject({ isOfTenant: false });
  });

  test('says how much waits where', () => {
    const waiting = { events: 9, bytes: 91 };
    expect(fullnessOf({ ...free, waiting })?.detail).toBe('9 events, 91 bytes wait on disk');
    expect(fullnessOf({ ...free, kept: 'memory', waiting })?.detail).toBe('9 events, 91 bytes wait in memory');
  });
});

describe('I7: a tenant', () => {
  const held = (bytes: number, ofOthers = 0): Standing => ({
    ...free,
    isHeldBack: true,
    waiting: { events: 1, bytes: bytes + ofOthers },
    ofTenant: { events: 1, bytes },
  });

  test('that is held back has room as long as it leaves as much', () => {
    expect(fullnessOf(held(45))).toBeUndefined();
    expect(fullnessOf(held(46))).toEqual({
      detail: '1 events, 46 bytes of t wait on disk, of which the receiver takes no more for now',
      isOfTenant: true,
    });
  });

  test('that shares a spool has the same room, and one that is alone in it has all', () => {
    const of = (bytes: number, isShared: boolean): Standing => ({ ...held(bytes), isHeldBack: false, isShared });
    expect(fullnessOf(of(45, true))).toBeUndefined();
    expect(fullnessOf(of(46, true))).toEqual({
      detail: '1 events, 46 bytes of t wait on disk; the rest is for others',
      isOfTenant: true,
    });
    expect(fullnessOf(of(90, false))).toBeUndefined();
  });

  test('has less where others wait', () => {
    expect(fullnessOf(held(30, 30))).toBeUndefined();
    expect(fullnessOf(held(31, 30))).toMatchObject({ isOfTenant: true });
  });

  test('also by events', () => {
    const room = { events: 10, bytes: 1_000 };
    const of = (events: number): Standing => ({
      ...held(1),
      room,
      waiting: { events, bytes: 1 },
      ofTenant: { events, bytes: 1 },
    });
    expect(fullnessOf(of(4))).toBeUndefined();
    expect(fullnessOf(of(5))).toMatchObject({ isOfTenant: true });
  });
});
