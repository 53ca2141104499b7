import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';

import { customHeaderProblem, openHeaders, readMasterKey, sealHeaders, sealSecret } from '../src/index.ts';

const masterKey = readMasterKey(randomBytes(32).toString('base64'));
const sealFor = (id: string) => (text: string) => sealSecret(masterKey, id, text);

describe('the header of an owner', () => {
  test.each([
    ['authorization', 'Bearer abc'],
    ['x-api-key', 'k'],
    ['cookie', 'a=b; c=d'],
    ['x'.repeat(64), '~'.repeat(1024)],
  ])('%s may be sent', (name, value) => {
    expect(customHeaderProblem(name, value)).toBeUndefined();
  });

  test.each([
    ['host', 'internal.example'],
    ['content-type', 'text/plain'],
    ['content-length', '0'],
    ['content-encoding', 'gzip'],
    ['transfer-encoding', 'chunked'],
    ['connection', 'close'],
    ['proxy-authorization', 'Basic x'],
    ['expect', '100-continue'],
    ['user-agent', 'me'],
    ['webhook-signature', 'v1,x'],
    ['webhook-id', 'x'],
    ['', 'x'],
    ['X-Upper', 'x'],
    ['x y', 'x'],
    ['x:y', 'x'],
    ['x\r\ny', 'x'],
    ['x'.repeat(65), 'x'],
    ['x-a', ''],
    ['x-a', ' x'],
    ['x-a', 'x '],
    ['x-a', 'x\r\nx-b: y'],
    ['x-a', 'x\ny'],
    ['x-a', 'ü'],
    ['x-a', 'x'.repeat(1025)],
  ])('%j: %j is refused', (name, value) => {
    expect(customHeaderProblem(name, value)).toEqual(expect.any(String));
  });
});

describe('sealed headers', () => {
  const headers = Object.fromEntries([
    ['authorization', 'Bearer abc'],
    ['__proto__', 'x'],
  ]);

  test('are opened as they were, for their subscription only, and show no value', () => {
    const sealed = sealHeaders(headers, sealFor('sub_1'));
    expect(sealed.names).toEqual(['authorization', '__proto__']);
    expect(JSON.stringify(sealed)).not.toContain('abc');
    expect(Object.entries(openHeaders(masterKey, 'sub_1', sealed) ?? {})).toEqual(Object.entries(headers));
    expect(openHeaders(masterKey, 'sub_2', sealed)).toBeUndefined();
  });

  test.each([
    ['a header that only Docket may set', '{"host":"x"}'],
    ['a value that is no text', '{"x-a":1}'],
    ['no object', '"x"'],
    ['no JSON', 'x'],
  ])('with %s are not opened', (_what, text) => {
    expect(openHeaders(masterKey, 'sub_1', { names: [], sealed: sealFor('sub_1')(text) })).toBeUndefined();
  });
});
