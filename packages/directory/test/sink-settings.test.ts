import { expect, test } from '@jest/globals';
import { readSettings } from '@docket/runtime';

import { hostsAllowedTo, isAllowedHost, sinkSettings } from '../src/index.ts';

test.each([
  ['siem.internal', 'http://siem.internal/in', true],
  ['siem.internal', 'http://SIEM.internal:9000/in', true],
  ['SIEM.internal:9000', 'http://siem.internal:9000/in', true],
  ['siem.internal:9000', 'http://siem.internal/in', false],
  ['siem.internal:80', 'http://siem.internal/in', true],
  ['siem.internal:443', 'https://siem.internal/in', true],
  ['siem.internal', 'http://not-siem.internal/', false],
  ['siem.internal', 'http://siem.internal.evil.example/', false],
  ['127.0.0.1', 'http://127.0.0.1:8080/', true],
  ['127.0.0.1', 'http://127.1:8080/', true],
  ['127.0.0.1', 'http://2130706433/', true],
  ['[::1]', 'http://[0:0:0:0:0:0:0:1]:1/', true],
  ['localhost', 'http://127.0.0.1/', false],
])('SINK_ALLOWED_HOSTS=%s: %s → %s', (allowed, url, expected) => {
  const { sinkAllowedHosts } = readSettings(sinkSettings, { SINK_ALLOWED_HOSTS: allowed });
  expect(isAllowedHost(sinkAllowedHosts, new URL(url))).toBe(expected);
});

test('what is allowed to one tenant is not allowed to another', () => {
  const { sinkAllowedHosts } = readSettings(sinkSettings, {
    SINK_ALLOWED_HOSTS: 'siem.internal,acme@10.0.0.5:9000,ac:me@[::1]',
  });
  expect(hostsAllowedTo('acme', sinkAllowedHosts)).toEqual(['siem.internal', '10.0.0.5:9000']);
  expect(hostsAllowedTo('ac:me', sinkAllowedHosts)).toEqual(['siem.internal', '[::1]']);
  for (const other of ['globex', 'Acme', 'me', ''])
    expect(hostsAllowedTo(other, sinkAllowedHosts)).toEqual(['siem.internal']);
});

test('nothing is allowed by default, and a pattern is no host', () => {
  expect(readSettings(sinkSettings, {}).sinkAllowedHosts).toEqual([]);
  for (const wrong of ['*', '@siem.internal', 'a@b@siem.internal'])
    expect(() => readSettings(sinkSettings, { SINK_ALLOWED_HOSTS: wrong })).toThrow(/SINK_ALLOWED_HOSTS/);
});
