import { expect, test } from '@jest/globals';
import { parseIpRange } from '../src/ip-range-mapper.ts';

test.each([
  ['203.0.113.7', '::ffff:cb00:7107', '::ffff:cb00:7107'],
  ['203.0.113.0/24', '::ffff:cb00:7100', '::ffff:cb00:71ff'],
  ['203.0.113.77/24', '::ffff:cb00:7100', '::ffff:cb00:71ff'],
  ['10.128.0.0/9', '::ffff:a80:0', '::ffff:aff:ffff'],
  ['10.0.0.1/32', '::ffff:a00:1', '::ffff:a00:1'],
  ['0.0.0.0/0', '::ffff:0:0', '::ffff:ffff:ffff'],
  ['2001:db8::1', '2001:db8::1', '2001:db8::1'],
  ['2001:DB8::/33', '2001:db8::', '2001:db8:7fff:ffff:ffff:ffff:ffff:ffff'],
  ['::/0', '::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['::ffff:10.0.0.1', '::ffff:a00:1', '::ffff:a00:1'],
])('%s is from %s to %s', (text, from, to) => {
  expect(parseIpRange(text)).toEqual({ from, to });
});

test.each([
  '',
  'x',
  '1.2.3',
  '1.2.3.4.5',
  '256.1.1.1',
  '0x7f.1',
  '1.2.3.4/',
  '1.2.3.4/x',
  '1.2.3.4/-1',
  '1.2.3.4/33',
  '::/129',
  'fe80::1%eth0',
  '1.2.3.4/24/8',
])('%p is neither an address nor a block', (text) => {
  expect(parseIpRange(text)).toBeNull();
});
