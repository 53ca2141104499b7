import { expect, test } from '@jest/globals';
import { addressDigits, blockRange, canonicalBlock, ipv6Text, textsOfBlock } from '../../src/search/ip-block.ts';

const mapped = '0000:0000:0000:0000:0000:ffff:';
test.each([
  ['203.0.113.7', '203.0.113.7', `${mapped}cb00:7107`, `${mapped}cb00:7107`],
  ['203.0.113.0/24', '203.0.113.0/24', `${mapped}cb00:7100`, `${mapped}cb00:71ff`],
  ['203.0.113.77/24', '203.0.113.0/24', `${mapped}cb00:7100`, `${mapped}cb00:71ff`],
  ['10.200.0.0/9', '10.128.0.0/9', `${mapped}0a80:0000`, `${mapped}0aff:ffff`],
  ['10.0.0.1/32', '10.0.0.1', `${mapped}0a00:0001`, `${mapped}0a00:0001`],
  ['0.0.0.0/0', '0.0.0.0/0', `${mapped}0000:0000`, `${mapped}ffff:ffff`],
  ['2001:DB8::/33', '2001:db8::/33', '2001:0db8:0000:0000:0000:0000:0000:0000', '2001:0db8:7fff:ffff:ffff:ffff:ffff:ffff'],
  ['::ffff:10.0.0.1', '10.0.0.1', `${mapped}0a00:0001`, `${mapped}0a00:0001`],
  ['::FFFF:a00:1/120', '10.0.0.0/24', `${mapped}0a00:0000`, `${mapped}0a00:00ff`],
  ['::10.0.0.1', '::a00:1', '0000:0000:0000:0000:0000:0000:0a00:0001', '0000:0000:0000:0000:0000:0000:0a00:0001'],
  ['1:0:0:2:0:0:0:3', '1:0:0:2::3', '0001:0000:0000:0002:0000:0000:0000:0003', '0001:0000:0000:0002:0000:0000:0000:0003'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0', '0001:0002:0003:0004:0005:0006:0007:0000', '0001:0002:0003:0004:0005:0006:0007:0000'],
  ['::/0', '::/0', '0000:0000:0000:0000:0000:0000:0000:0000', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
])('%s is %s, from %s to %s', (text, block, from, to) => {
  expect(canonicalBlock(text)).toBe(block);
  expect(canonicalBlock(block)).toBe(block);
  const { first, last } = blockRange(block);
  expect([ipv6Text(first), ipv6Text(last)]).toEqual([from, to]);
}); // prettier-ignore

test.each(['', 'x', '1.2.3', '1.2.3.4.5', '256.1.1.1', '0x7f.1', '01.2.3.4', '1.2.3.4/', '1.2.3.4/x', '1.2.3.4/-1', '1.2.3.4/33', '::/129', 'fe80::1%eth0', '1.2.3.4/24/8'])(
  '%p is neither an address nor a block',
  (text) => {
    expect(canonicalBlock(text)).toBeNull();
  },
); // prettier-ignore

test('an address is the same whichever way it is written', () => {
  const digits = addressDigits('2001:db8::1:0:0:1');
  expect(digits).toHaveLength(32);
  expect(addressDigits('2001:0DB8:0:0:1:0:0:1')).toBe(digits);
  expect(addressDigits('2001:db8:0:0:1::1')).toBe(digits);
});

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['203.0.113.0/24', '203.0.113.'],
  ['203.0.113.128/25', '203.0.113.'],
  ['10.128.0.0/9', '10.'],
  ['10.0.0.0/8', '10.'],
  ['2001:db8::1', null],
  ['::/1', undefined],
  ['8000::/1', null],
  ['::fffe:0:0/96', null],
  ['::fffe:0:0/95', undefined],
  ['8.0.0.0/7', undefined],
  ['0.0.0.0/0', undefined],
])('the texts of IPv4 addresses in %s begin with %p', (block, prefix) => {
  expect(textsOfBlock(block)).toEqual(prefix === undefined ? null : { prefix });
});
