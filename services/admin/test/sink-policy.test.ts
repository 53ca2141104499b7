import { describe, expect, test } from '@jest/globals';
import type { Sink } from '@docket/directory';

import type { SinkPatchBody } from '../src/sink-bodies.ts';
import { newSink, patchedSink, toPublicSink } from '../src/sink-policy.ts';

const url = 'https://siem.example/in';
const context = { now: 'later', allowedHosts: [], seal: (text: string) => `sealed ${text}` };
const secret = { sealed: 'v1.sealed', created_at: 'now' };
const webhook = (headers?: Record<string, string>): Sink =>
  newSink({ type: 'webhook', url, ...(headers === undefined ? {} : { headers }) }, secret, context);
const refused = (pointer: string) =>
  expect.objectContaining({ code: 'invalid_body', errors: [{ pointer, detail: expect.any(String) }] });

describe('headers of a webhook', () => {
  const known = webhook({ Authorization: 'Bearer abc', 'x-a': 'b' });
  const patched = (body: SinkPatchBody) => () => patchedSink(known, body, context);

  test('are kept sealed, under their names in lower case, of which alone they are known', () => {
    const sealed = 'sealed {"authorization":"Bearer abc","x-a":"b"}';
    expect(known).toMatchObject({ headers: { names: ['authorization', 'x-a'], sealed } });
    expect(toPublicSink(known)).toEqual({ type: 'webhook', url, headers: ['authorization', 'x-a'] });
  });

  test('are all replaced by a patch, taken back by an empty one, and left alone by any other', () => {
    const headers = { names: ['x-c'], sealed: 'sealed {"x-c":"d"}' };
    expect(patched({ headers: { 'x-c': 'd' } })()).toEqual({ ...known, headers });
    expect(patched({ headers: {} })()).toEqual(webhook());
    expect(patched({ url: `${url}/other` })()).toEqual({ ...known, url: `${url}/other` });
  });

  test('go to no other server than the one that they were given for', () => {
    const elsewhere = 'https://evil.example/in';
    expect(patched({ url: elsewhere })).toThrow(refused('/sink/headers'));
    expect(patched({ url: elsewhere, headers: {} })()).toEqual({ ...webhook(), url: elsewhere });
    expect(() => patchedSink(webhook(), { url: elsewhere }, context)).not.toThrow();
  });

  test.each([
    [{ 'X-A': 'b', 'x-a': 'b' }, '/sink/headers/x-a'],
    [{ 'x-a': 'b\r\nhost: c' }, '/sink/headers/x-a'],
    [{ 'Content-Type': 'text/plain' }, '/sink/headers/Content-Type'],
    [{ 'a/b~c': 'd' }, '/sink/headers/a~1b~0c'],
  ])('%j are refused, and the header is named', (headers, pointer) => {
    expect(() => webhook(headers)).toThrow(refused(pointer));
    expect(patched({ headers })).toThrow(refused(pointer));
  });

  test('are for a webhook only', () => {
    const datadog = newSink({ type: 'datadog', url, token: 't' }, secret, context);
    expect(() => patchedSink(datadog, { headers: { 'x-a': 'b' } }, context)).toThrow(refused('/sink/headers'));
  });
});
