import { describe, expect, test } from '@jest/globals';
import { createRecordMac, macHeader } from '../src/index.ts';

const key = (byte: number): Buffer => Buffer.alloc(32, byte);
const value = Buffer.from('the value');
const record = (
  headers: Readonly<Record<string, Buffer>>,
  changed: { key?: Buffer | null; value?: Buffer | null } = {},
) => ({
  key: Buffer.from('acme'),
  value,
  headers,
  ...changed,
});

describe('the MAC of a record', () => {
  const mac = createRecordMac([key(1), key(2)]);
  const headers = mac.sign('acme', value);

  test('is what it was in earlier versions: records stay in Kafka for days', () => {
    expect(headers[macHeader].toString()).toBe('1.ca1497e1.hfHNLlMW3bQSV7Bt9JtnODEVGYZpNhNZPAzVM5VlL0k');
  });

  test('is made with the first key and checked with all', () => {
    expect(mac.check(record(headers))).toEqual({ kind: 'valid' });
    expect(createRecordMac([key(2), key(1)]).check(record(headers))).toEqual({ kind: 'valid' });
    expect(createRecordMac([key(2), key(1)]).sign('acme', value)).not.toEqual(headers);
  });

  test('covers the key and the value, and where one ends', () => {
    expect(mac.check(record(headers, { key: Buffer.from('globex') }))).toEqual({ kind: 'wrong' });
    expect(mac.check(record(headers, { value: Buffer.from('the valve') }))).toEqual({ kind: 'wrong' });
    const moved = { key: Buffer.from('acmet'), value: Buffer.from('he value') };
    expect(mac.check(record(headers, moved))).toEqual({ kind: 'wrong' });
    expect(mac.check(record(headers, { key: null }))).toEqual({ kind: 'wrong' });
    expect(mac.check(record(headers, { value: null }))).toEqual({ kind: 'wrong' });
  });

  test('of a key that is not known names it; without a header there is none', () => {
    expect(createRecordMac([key(3)]).check(record(headers))).toEqual({
      kind: 'unknown_key',
      keyId: headers[macHeader].toString().split('.')[1],
    });
    expect(mac.check(record({}))).toEqual({ kind: 'absent' });
  });

  test('says nothing about the key', () => {
    const text = headers[macHeader].toString();
    for (const encoding of ['hex', 'base64', 'base64url', 'latin1'] as const)
      expect(text).not.toContain(key(1).toString(encoding).slice(0, 8));
  });

  test.each(['', '1', '2.00000000.x', `1.0000000.${'A'.repeat(43)}`, `1.zzzzzzzz.${'A'.repeat(43)}`, '1.'.repeat(99)])(
    'is wrong as %j',
    (text) => expect(mac.check(record({ [macHeader]: Buffer.from(text) }))).toEqual({ kind: 'wrong' }),
  );

  test('needs keys of 32 bytes', () => {
    expect(() => createRecordMac([Buffer.alloc(31)])).toThrow(RangeError);
    expect(() => createRecordMac([]).sign('acme', value)).toThrow('no key');
    expect(createRecordMac([]).check(record(headers))).toMatchObject({ kind: 'unknown_key' });
  });
});
