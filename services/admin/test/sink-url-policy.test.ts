import { expect, test } from '@jest/globals';

import { sinkUrlProblem } from '../src/sink-url-policy.ts';

const allowed = ['127.0.0.1', 'siem.internal:8088'];

test.each([
  'https://siem.example/in',
  'https://siem.example:8443/in?x=1',
  'https://10.0.0.1/delivery-judges-addresses',
  'http://127.0.0.1:9000/in',
  'http://siem.internal:8088/',
  `https://h/${'a'.repeat(2048 - 10)}`,
])('%s may be a webhook', (url) => {
  expect(sinkUrlProblem(url, allowed)).toBeUndefined();
});

test.each([
  ['http://siem.example/in', 'plain http'],
  ['http://siem.internal/', 'plain http'],
  ['http://127.0.0.1@evil.example/', 'credentials'],
  ['https://user:password@siem.example/', 'credentials'],
  ['https://user@siem.example/', 'credentials'],
  ['https://siem.example/#part', 'fragment'],
  ['ftp://siem.example/', 'https://'],
  ['file:///etc/passwd', 'https://'],
  ['javascript:alert(1)', 'https://'],
  ['data:text/plain,x', 'https://'],
  ['https:siem.example/in', 'https://'],
  ['https:\\\\siem.example/in', 'https://'],
  ['https://siem.example\\@evil.example/', 'backslash'],
  ['siem.example/in', 'absolute'],
  ['//siem.example/in', 'absolute'],
  ['', 'ASCII'],
  ['https://siem.example/a b', 'ASCII'],
  [' https://siem.example/', 'ASCII'],
  ['https://siem.example/\r\nX: y', 'ASCII'],
  ['https://sïem.example/', 'ASCII'],
  ['https://', 'absolute'],
  ['https://h:99999/', 'absolute'],
  [`https://h/${'a'.repeat(2048 - 9)}`, '2048 bytes'],
])('%j may not: %s', (url, why) => {
  expect(sinkUrlProblem(url, allowed)).toContain(why);
});
