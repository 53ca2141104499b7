import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { keepUnknownFields, parseEvent } from '../src/index.ts';

const event = { tenant_id: 'acme', action: 'user.created', actor: { type: 'user', id: 'u_1' } };
const id = '0199f3c2-0000-7000-8000-000000000001';

describe('keepUnknownFields', () => {
  test('moves fields that no event has into metadata, each under its path', () => {
    const kept = keepUnknownFields({
      ...event,
      actor: { ...event.actor, email: 'jane@example.com' },
      resources: [{ type: 'role', id: 'r', tags: ['a', { b: 1 }] }],
      severty: 'high',
      seats: 5,
      nothing: null,
      metadata: { plan: 'pro' },
    });
    expect(kept?.input).toEqual({
      ...event,
      resources: [{ type: 'role', id: 'r' }],
      metadata: {
        plan: 'pro',
        '_unknown.actor.email': 'jane@example.com',
        '_unknown.resources.0.tags': '["a",{"b":1}]',
        '_unknown.severty': 'high',
        '_unknown.seats': 5,
        '_unknown.nothing': 'null',
      },
    });
    expect(kept?.kept[0]).toEqual({
      pointer: '/actor/email',
      detail: 'is not a field of an event; kept as metadata _unknown.actor.email',
    });
  });

  test.each([
    ['nothing to keep', event],
    ['what is no event', 7],
    ['more than metadata holds', Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`f${n}`, n]))],
    ['a key that metadata has already', { ...event, seats: 5, metadata: { '_unknown.seats': '4' } }],
    ['metadata that is none', { ...event, seats: 5, metadata: 'x' }],
    ['two paths of one name', JSON.parse('{"actor":{"a.b":1,"a":{}},"actor.a.b":2}')],
  ])('keeps nothing of %s', (_name, input) => {
    expect(keepUnknownFields(input)).toBeUndefined();
  });

  test.each([
    ['a value over the limit', { ...event, note: 'x'.repeat(2_049) }, '/metadata/_unknown.note'],
    ['a name that metadata cannot have', { ...event, 'a b': 1 }, '/metadata/_unknown.a b'],
    ['a number that JSON changes', { ...event, big: 2 ** 60 }, '/metadata/_unknown.big'],
    ['another mistake', { ...event, note: 'x', outcome: 'perhaps' }, '/outcome'],
  ])('nothing is cut: %s is invalid afterwards', (_name, input, pointer) => {
    const parsed = parseEvent(keepUnknownFields(input)?.input, 0, id);
    expect(parsed).toMatchObject({ ok: false, errors: [{ pointer }] });
  });

  test('__proto__ is a name like any other', () => {
    const kept = keepUnknownFields(JSON.parse(`{"__proto__":{"polluted":1},${JSON.stringify(event).slice(1)}`));
    expect(kept?.input['metadata']).toEqual({ '_unknown.__proto__': '{"polluted":1}' });
    expect(Object.getPrototypeOf(kept?.input)).toBe(Object.prototype);
  });

  test('whatever comes: what is kept is said, and the known fields stay as they were', () => {
    const names = fc.constantFrom('a', 'b', 'actor', 'context', 'source', 'action', 'x.y', '__proto__');
    const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.dictionary(names, fc.jsonValue({ maxDepth: 2 })));
    fc.assert(
      fc.property(fc.dictionary(names, value), (extra) => {
        const input = { ...extra, ...event };
        const kept = keepUnknownFields(input);
        if (kept === undefined) return;
        expect(kept.input).toMatchObject(event);
        expect(Object.keys(Object(kept.input['metadata'])).length).toBeGreaterThanOrEqual(kept.kept.length);
      }),
    );
  });
});
