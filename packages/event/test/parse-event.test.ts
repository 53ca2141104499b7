import { describe, expect, test } from '@jest/globals';
import { parseEvent } from '../src/index.ts';
import { goldenArrivalMs, goldenInput } from './golden.ts';

const fallbackId = '0199f3c2-0000-7000-8000-000000000001';
const minimal = { tenant_id: 'acme', action: 'a.b', actor: { type: 'user', id: 'u' } };
const parse = (input: unknown) => parseEvent(input, goldenArrivalMs, fallbackId);
const withField = (field: Record<string, unknown>): unknown => ({ ...minimal, ...field });

function errorsOf(input: unknown): string[] {
  const parsed = parse(input);
  return parsed.ok ? [] : parsed.errors.map(({ pointer, detail }) => `${pointer} ${detail}`);
}

describe('parseEvent accepts', () => {
  test.each<[string, unknown]>([
    ['the smallest event', minimal],
    ['a name of 512 characters beyond the BMP', withField({ actor: { type: 'u', id: '1', name: '😀'.repeat(512) } })],
    ['a reason of 1024 bytes', withField({ outcome_reason: 'é'.repeat(512) })],
    ['32 resources', withField({ resources: Array.from({ length: 32 }, () => ({ type: 't', id: 'i' })) })],
    ['a value of 8 KiB as JSON', withField({ changes: [{ path: 'p', old: 'x'.repeat(8190) }] })],
    [
      '64 metadata keys',
      withField({ metadata: Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`k${i}`, i])) }),
    ],
    ['an IPv6 address', withField({ context: { ip: '2001:db8::1' } })],
    [
      'a time exactly 23 h 55 min ahead',
      withField({ occurred_at: new Date(goldenArrivalMs + 86_100_000).toISOString() }),
    ],
    ['the greatest counter', withField({ source: { counter: 9007199254740990 } })],
    ['a leap second', withField({ occurred_at: '2016-12-31T23:59:60Z' })],
  ])('%s', (_name, input) => expect(errorsOf(input)).toEqual([]));
});

describe('parseEvent refuses, and says where and why', () => {
  const nested = (levels: number): unknown => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`);
  test.each<[string, unknown, string]>([
    ['null', null, ' must be an object'],
    ['a list', [minimal], ' must be an object'],
    ['no actor', { tenant_id: 'acme', action: 'a' }, '/actor is required'],
    [
      'a mistyped field',
      withField({ discription: 'x' }),
      '/discription is not a field of an event; did you mean description?',
    ],
    [
      '__proto__',
      JSON.parse('{"__proto__":{},"tenant_id":"a","action":"a","actor":{"type":"t","id":"i"}}'),
      '/__proto__ is not a field of an event',
    ],
    [
      'null for a text',
      withField({ description: null }),
      '/description must be a string; leave the field out for absent',
    ],
    ['a number for a text', withField({ description: 1 }), '/description must be a string'],
    [
      'a name of 513 characters',
      withField({ actor: { type: 'u', id: '1', name: '😀'.repeat(513) } }),
      '/actor/name has 513 characters, at most 512 are allowed',
    ],
    [
      'a reason of 1026 bytes',
      withField({ outcome_reason: 'é'.repeat(513) }),
      '/outcome_reason has 1026 bytes, at most 1024 are allowed',
    ],
    [
      'a lone surrogate',
      withField({ description: 'a\ud800' }),
      '/description holds a lone surrogate and has no UTF-8 form',
    ],
    ['an unknown outcome', withField({ outcome: 'ok' }), '/outcome must be one of success, failure, denied, unknown'],
    ['an upper-case action', withField({ action: 'A.b' }), '/action must match ^[a-z0-9_-]+(\\.[a-z0-9_-]+)*$'],
    ['a tenant with a slash', withField({ tenant_id: 'a/b' }), '/tenant_id must match ^[A-Za-z0-9._:-]{1,128}$'],
    ['no UUID', withField({ id: '7' }), '/id must be a UUID other than the nil UUID'],
    [
      'the nil UUID',
      withField({ id: '00000000-0000-0000-0000-000000000000' }),
      '/id must be a UUID other than the nil UUID',
    ],
    [
      'a local time',
      withField({ occurred_at: '2026-11-23T09:00:00' }),
      '/occurred_at must be an RFC 3339 time with an offset, from 1900 on',
    ],
    [
      '30 February',
      withField({ occurred_at: '2026-02-30T09:00:00Z' }),
      '/occurred_at must be an RFC 3339 time with an offset, from 1900 on',
    ],
    [
      'the zero time of Go and .NET',
      withField({ occurred_at: '0001-01-01T00:00:00Z' }),
      '/occurred_at must be an RFC 3339 time with an offset, from 1900 on',
    ],
    [
      'a number that JSON.parse makes infinite',
      withField({ metadata: { n: JSON.parse('1e400') as unknown } }),
      '/metadata/n holds a number beyond 2^53, which JSON readers change silently: send it as a string',
    ],
    [
      'an integer that loses digits, deep in a change',
      withField({ changes: [{ path: 'p', new: { a: [JSON.parse('12345678901234567890') as unknown] } }] }),
      '/changes/0/new holds a number beyond 2^53, which JSON readers change silently: send it as a string',
    ],
    [
      'a time before 1900',
      withField({ occurred_at: '1899-12-31T23:59:59Z' }),
      '/occurred_at must be an RFC 3339 time with an offset, from 1900 on',
    ],
    [
      'a time 23 h 55 min and 1 ms ahead',
      withField({ occurred_at: new Date(goldenArrivalMs + 86_100_001).toISOString() }),
      '/occurred_at is more than 23 hours and 55 minutes ahead of its arrival: check the clock of the producer',
    ],
    [
      '33 resources',
      withField({ resources: Array.from({ length: 33 }, () => ({ type: 't', id: 'i' })) }),
      '/resources has 33 items, at most 32 are allowed',
    ],
    ['a resource without id', withField({ resources: [{ type: 't' }] }), '/resources/0/id is required'],
    [
      'metadata that nests',
      withField({ metadata: { a: {} } }),
      '/metadata/a must be a string, a number, a boolean or null',
    ],
    [
      'a metadata key with a slash',
      withField({ metadata: { 'a/b': 1 } }),
      '/metadata/a~1b is not an allowed key: keys match ^[A-Za-z0-9_.-]{1,64}$ and __proto__ is reserved',
    ],
    [
      '65 metadata keys',
      withField({ metadata: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, i])) }),
      '/metadata has 65 keys, at most 64 are allowed',
    ],
    [
      'a value over 8 KiB as JSON',
      withField({ changes: [{ path: 'p', old: 'x'.repeat(8191) }] }),
      '/changes/0/old has 8193 bytes as JSON, at most 8192 are allowed',
    ],
    [
      'a value that nests deep',
      withField({ changes: [{ path: 'p', new: nested(5000) }] }),
      '/changes/0/new nests deeper than 32 levels',
    ],
    [
      'an address with a zone',
      withField({ context: { ip: 'fe80::1%eth0' } }),
      '/context/ip must be an IPv4 or IPv6 address',
    ],
    ['an octal address', withField({ context: { ip: '0177.0.0.1' } }), '/context/ip must be an IPv4 or IPv6 address'],
    [
      'a fractional counter',
      withField({ source: { counter: 1.5 } }),
      '/source/counter must be an integer from 0 to 9007199254740990',
    ],
  ])('%s', (_name, input, error) => expect(errorsOf(input)).toEqual([error]));

  test('an event over 256 KiB, which fields within their limits can still make', () => {
    const changes = Array.from({ length: 40 }, () => ({ path: 'p', old: 'x'.repeat(8000) }));
    expect(errorsOf(withField({ changes }))).toEqual([
      expect.stringMatching(/^ has 3\d{5} bytes encoded, at most 262144/),
    ]);
  });

  test('with at most 20 errors, whatever the input holds', () => {
    const input = Object.fromEntries(Array.from({ length: 300_000 }, (_, i) => [`discription${i}`, 1]));
    expect(errorsOf(input)).toHaveLength(20);
  });
});

describe('parseEvent normalises', () => {
  test('a missing time stays unknown until the broker appends the record: a retry has the same content', () => {
    const parsed = parse(minimal);
    expect(parsed).toMatchObject({ ok: true, event: { id: fallbackId, occurred_at: null, outcome: 'success' } });
  });

  test('numbers and booleans to their JSON text, null away; other offsets to UTC microseconds', () => {
    const parsed = parse(goldenInput('event'));
    expect(parsed).toMatchObject({
      event: {
        occurred_at: Date.UTC(2026, 10, 23, 9) * 1000 + 123_456,
        metadata: { plan: 'pro', seats: '5', trial: 'false' },
      },
    });
  });
});
