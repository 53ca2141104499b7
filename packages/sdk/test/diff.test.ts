import { describe, expect, test } from '@jest/globals';
import { newEventId, parseEvent } from '@docket/event';
import fc from 'fast-check';
import { diff } from '../src/index.ts';

describe('diff', () => {
  test('names each value that is different, by its path', () => {
    const before = { name: 'Plan', owner: { id: 'u_1', team: 'blue' }, tags: ['a'], seats: 5, gone: 1, same: { a: 1 } };
    const after = {
      name: 'Plan B',
      owner: { id: 'u_2', team: 'blue' },
      tags: ['a', 'b'],
      seats: null,
      made: true,
      same: { a: 1 },
    };
    expect(diff(before, after)).toEqual([
      { path: 'gone', old: 1 },
      { path: 'made', new: true },
      { path: 'name', old: 'Plan', new: 'Plan B' },
      { path: 'owner.id', old: 'u_1', new: 'u_2' },
      { path: 'seats', old: 5, new: null },
      { path: 'tags', old: ['a'], new: ['a', 'b'] },
    ]);
  });

  test('a creation and a removal have one side only; undefined is absent', () => {
    expect(diff(undefined, { a: 1, b: undefined })).toEqual([{ path: 'a', new: 1 }]);
    expect(diff({ a: { b: 2 } }, null)).toEqual([{ path: 'a', old: { b: 2 } }]);
  });

  test('leaves out what it is told to, with all below', () => {
    expect(diff({ a: { b: 1, c: 1 }, t: 1 }, { a: { b: 2, c: 2 }, t: 2 }, { ignore: ['a.b', 't'] })).toEqual([
      { path: 'a.c', old: 1, new: 2 },
    ]);
  });

  describe('what is ignored is in no value', () => {
    const ignore = ['profile.ssn', 'users.ssn'];
    const profile = { name: 'Jane', ssn: '123' };

    test('of an object that is created or removed', () => {
      expect(diff(null, { profile }, { ignore })).toEqual([{ path: 'profile', new: { name: 'Jane' } }]);
      expect(diff({ profile }, null, { ignore })).toEqual([{ path: 'profile', old: { name: 'Jane' } }]);
    });

    test('of more changes than an event holds', () => {
      const wide = (value: number) => Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, value]));
      const told = diff({ ...wide(1), profile }, { ...wide(2), profile: { ...profile, ...wide(2) } }, { ignore });
      expect(told).toMatchObject([{ path: '*', old: { profile: { name: 'Jane' } }, new: { k0: 2 } }]);
      const below = diff({ profile: { ...profile, ...wide(1) } }, { profile: { ...profile, ...wide(2) } }, { ignore });
      expect(below).toMatchObject([{ path: 'profile', old: { name: 'Jane' }, new: { k0: 2 } }]);
      expect(JSON.stringify([told, below])).not.toContain('ssn');
    });

    test('of an array, nor of an object that says itself what JSON has of it', () => {
      const saying = (json: object) => ({ name: 'raw', toJSON: () => ({ ...json, toJSON: () => 'again' }) });
      const user = (name: string) => saying({ profile: saying({ name, ssn: name }), users: [{ ssn: name }] });
      expect(diff({ users: [profile] }, {}, { ignore })).toEqual([{ path: 'users', old: [{ name: 'Jane' }] }]);
      expect(diff(user('Jane'), user('Joan'), { ignore })).toEqual([
        { path: 'profile.name', old: 'Jane', new: 'Joan' },
      ]);
    });

    test('and makes none different', () => {
      const other = { ...profile, ssn: '456' };
      expect(diff({ profile, users: [profile] }, { profile: other, users: [other] }, { ignore })).toEqual([]);
    });
  });

  test('dates are compared by their text', () => {
    expect(diff({ at: new Date(0) }, { at: new Date(0) })).toEqual([]);
    expect(diff({ at: new Date(0) }, { at: new Date(1) })).toHaveLength(1);
  });

  test.each([64, 65])('with %i changes below one object, an event can hold what it gives', (count) => {
    const wide = (value: number) => ({
      o: Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, value])),
    });
    const changes = diff(wide(1), wide(2));
    expect(changes.map(({ path }) => path)).toEqual(count === 64 ? expect.arrayContaining(['o.k0', 'o.k63']) : ['o']);
    expect(changes).toHaveLength(count === 64 ? 64 : 1);
  });

  test('with too many changes at the top, it says that everything changed', () => {
    const wide = (value: number) => Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, value]));
    expect(diff(wide(1), wide(2)).map(({ path }) => path)).toEqual(['*']);
  });

  test('a value that is too long for an event is told by its size and digest', () => {
    expect(diff({ a: 'short' }, { a: 'x'.repeat(9000) })).toEqual([
      { path: 'a', old: 'short', new: { _bytes: 9002, _sha256: expect.stringMatching(/^[0-9a-f]{64}$/) } },
    ]);
  });

  test('whatever is compared, an event takes the result', () => {
    // Names without an empty one, which no path of an event may be, and numbers that JSON holds.
    const anything = fc.object({
      maxDepth: 4,
      key: fc.string({ minLength: 1, maxLength: 20 }),
      values: [fc.string(), fc.integer(), fc.boolean(), fc.constant(null)],
    });
    fc.assert(
      fc.property(anything, anything, (before, after) => {
        const changes: unknown = JSON.parse(JSON.stringify(diff(before, after)));
        const event = { tenant_id: 't', action: 'a', actor: { type: 'u', id: '1' }, changes };
        expect(parseEvent(event, Date.now(), newEventId())).toMatchObject({ ok: true });
      }),
    );
  });
});
