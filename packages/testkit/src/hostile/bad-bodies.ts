import { gzipSync } from 'node:zlib';

import { goodEvent, postOf, type HostileRequest, type Victim } from './hostile-request.ts';

const mebibyte = 1024 * 1024;
const json = 'Content-Type: application/json';

/** Bodies that are no events, or too much of one. */
export function badBodies(victim: Victim): HostileRequest[] {
  const good = goodEvent(victim);
  const withField = (field: string): string => `{${field},${good.slice(1)}`;
  const refused =
    (status: number, code: string) =>
    (name: string, body: string | Buffer, headers = [json]) => ({
      name,
      request: { chunks: [postOf(victim, [...headers, `Content-Length: ${Buffer.byteLength(body)}`], body)] },
      status,
      code,
    });
  const notJson = refused(400, 'invalid_json');
  const notRequest = refused(400, 'invalid_request');
  const notEvent = refused(422, 'invalid_event');
  const tooLarge = refused(413, 'body_too_large');
  const notSupported = refused(415, 'unsupported_media_type');
  const gzip = [json, 'Content-Encoding: gzip'];
  const bomb = gzipSync(Buffer.alloc(1024 * mebibyte, ' '));

  return [
    notJson('an empty body', ''),
    notJson('half a document', good.slice(0, -5)),
    notJson('two documents', `${good}\n${good}`),
    notJson('UTF-16', Buffer.from(good, 'utf16le')),
    notJson('Latin-1', Buffer.from(withField('"description":"\u00e9"'), 'latin1')),
    notJson('overlong UTF-8', Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')])),
    notJson('a key twice', withField('"action":"user.deleted"')),
    notJson('__proto__ twice', withField('"metadata":{"__proto__":1,"__proto__":2}')),
    notJson('100,000 brackets', `{"changes":${'['.repeat(100_000)}`),
    notJson('5 million brackets', '['.repeat(5_000_000)),
    notJson('nesting of 129 levels', `{"a":${'['.repeat(128)}${']'.repeat(128)}}`),
    notJson('500,000 keys of metadata', withField(`"metadata":{${keys(500_000)}}`)),
    notJson('an array of a million', withField(`"resources":[0${',0'.repeat(1_000_000)}]`)),
    notRequest('null', 'null'),
    notRequest('a number of 5 million digits', '9'.repeat(5_000_000)),
    notRequest('a bare array', `[${good}]`),
    notRequest('half a gzip', gzipSync(good).subarray(0, -9), gzip),
    notRequest('a gzip of another body length', Buffer.concat([gzipSync(good).subarray(0, -1), Buffer.of(7)]), gzip),
    notRequest('zeros behind a gzip', Buffer.concat([gzipSync(good), Buffer.alloc(512)]), gzip),
    notRequest('garbage behind a gzip', Buffer.concat([gzipSync(good), Buffer.from('garbage')]), gzip),
    notRequest('no gzip at all', good, gzip),
    notEvent('wrong types everywhere', wrongTypes),
    notEvent('huge numbers', withField('"metadata":{"a":1e999,"b":9007199254740993},"source":{"counter":1e400}')),
    notEvent('a lone surrogate', withField('"description":"\\ud800"')),
    notEvent('a lone surrogate in a key', withField('"metadata":{"\\udfff":"x"}')),
    notEvent('__proto__', withField('"metadata":{"__proto__":"x"}')),
    notEvent('__proto__ and constructor as fields', withField('"__proto__":{"id":"x"},"constructor":{"name":"x"}')),
    notEvent('nesting of 100 levels', withField(`"changes":[{"path":"p","new":${'['.repeat(100)}${']'.repeat(100)}}]`)),
    notEvent('9,000 keys of metadata', withField(`"metadata":{${keys(9_000)}}`)),
    notEvent('a field name of 4 MiB', withField(`"${'n'.repeat(4 * mebibyte)}":1`)),
    notEvent('a value of 4 MiB', withField(`"description":"${'d'.repeat(4 * mebibyte)}"`)),
    notEvent('an event of 300 KiB', withField(`"metadata":{${bigMetadata()}},"resources":${bigResources()}`)),
    notEvent('1,001 events', `{"events":[${`${good},`.repeat(1_000)}${good}]}`),
    notEvent('1,000 events, each with 20 errors', `{"events":[${`${wrongTypes},`.repeat(999)}${wrongTypes}]}`),
    notEvent('events within events', `{"events":[{"tenant_id":"${victim.tenantId}","events":[${good}]}]}`),
    tooLarge('a million keys of metadata', withField(`"metadata":{${keys(1_000_000)}}`)),
    tooLarge('a million keys of metadata in gzip', gzipSync(withField(`"metadata":{${keys(1_000_000)}}`)), gzip),
    tooLarge('a gzip of 1 GiB', bomb, gzip),
    notSupported('gzip twice', gzipSync(gzipSync(good)), [json, 'Content-Encoding: gzip, gzip']),
    notSupported('brotli', good, [json, 'Content-Encoding: br']),
    notSupported('another charset', good, ['Content-Type: application/json; charset=iso-8859-1']),
    notSupported('no type', good, []),
    notSupported('a form', good, ['Content-Type: application/x-www-form-urlencoded']),
    {
      name: 'half a terabyte announced',
      request: { chunks: [postOf(victim, [json, 'Content-Length: 549755813888'], good)] },
      status: 413,
      code: 'body_too_large',
      closes: true,
    },
  ];
}

function keys(count: number): string {
  return Array.from({ length: count }, (_, n) => `"${n.toString(36)}":1`).join(',');
}

function bigMetadata(): string {
  return Array.from({ length: 64 }, (_, n) => `"m${n}":"${'v'.repeat(2_000)}"`).join(',');
}

function bigResources(): string {
  return JSON.stringify(
    Array.from({ length: 32 }, (_, n) => ({
      type: 't',
      id: `r${n}`,
      metadata: { a: 'v'.repeat(2_000), b: 'v'.repeat(2_000), c: 'v'.repeat(2_000) },
    })),
  );
}

const wrongTypes = JSON.stringify({
  id: 7,
  tenant_id: {},
  occurred_at: 'yesterday',
  action: ['x'],
  category: 'none',
  operation: 1,
  outcome: null,
  severity: true,
  actor: 'me',
  on_behalf_of: [],
  resources: {},
  changes: 'all',
  description: 5,
  context: { ip: 'here', user_agent: 1, country: 2, session_id: 3, request_id: 4, trace_id: 5 },
  source: { counter: '1', service: 1, version: 1, instance: 1 },
  metadata: { a: {}, b: [] },
});
