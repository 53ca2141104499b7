import { describe, expect, test } from '@jest/globals';

import { isPublicAddress, vetUrl } from '../../src/receivers/address-policy.ts';

describe('which addresses a webhook may connect to', () => {
  test.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '2001:4860:4860::8888', '::ffff:8.8.8.8'])('%s: yes', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  const reserved = [
    '127.0.0.1 127.9.9.9 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 0.1.2.3',
    '255.255.255.255 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.7 224.0.0.1 240.0.0.1 192.0.0.1 192.88.99.1',
    ':: ::1 fe80::1 fc00::1 fd12::1 fec0::1 ff02::1 2001:db8::1 100::1',
    '::ffff:127.0.0.1 ::ffff:10.0.0.1 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a00:1 2002:7f00:1:: 2001::1',
    '::808:808 64:ff9b:1::7f00:1 ::ffff:0:7f00:1 2002:808:808:: 2001:0:808:808::1 100:0:0:1::1 3fff::1 5f00::1 4000::1 8000::1',
    'fe80::1%eth0 192.31.196.1 192.52.193.1 192.175.48.1 192.88.99.2 192.0.0.9',
    'localhost 1.2.3 1.2.3.4.5 0x7f.0.0.1 0177.0.0.1 2130706433',
  ];
  test.each(['', '8.8.8.8 ', ...reserved.flatMap((line) => line.split(' '))])('%j: no', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe('which URLs a webhook may have', () => {
  test.each([
    'https://siem.example.com/in',
    'https://siem.example.com:8443/in?x=1',
    'https://8.8.8.8/',
    'https://[2001:4860:4860::8888]/',
  ])('%s: yes', (url) => {
    expect(vetUrl(url, [])).toMatchObject({ ok: true, isVetted: false });
  });

  test.each([
    ['not a url', 'invalid_url'],
    ['ftp://siem.example.com/', 'invalid_url'],
    ['file:///etc/passwd', 'invalid_url'],
    ['http://siem.example.com/', 'invalid_url'],
    ['https://user:password@siem.example.com/', 'invalid_url'],
    ['https://siem.example.com:22/', 'address_not_allowed'],
    ['https://siem.example.com:25/', 'address_not_allowed'],
    ['https://127.0.0.1/', 'address_not_allowed'],
    ['https://2130706433/', 'address_not_allowed'],
    ['https://0x7f.1/', 'address_not_allowed'],
    ['https://0177.0.0.1/', 'address_not_allowed'],
    ['https://[::1]/', 'address_not_allowed'],
    ['https://[::ffff:169.254.169.254]/', 'address_not_allowed'],
    ['https://127.1/', 'address_not_allowed'],
    ['https://0/', 'address_not_allowed'],
    ['https://0x7f000001/', 'address_not_allowed'],
    ['https://017700000001/', 'address_not_allowed'],
    ['https://0300.0250.1.1/', 'address_not_allowed'],
    ['https://127.0.0.1./', 'address_not_allowed'],
    ['https://①②⑦.0.0.1/', 'address_not_allowed'],
    ['https://127。0。0。1/', 'address_not_allowed'],
    ['https://[::127.0.0.1]/', 'address_not_allowed'],
    ['https://[64:ff9b::127.0.0.1]/', 'address_not_allowed'],
    ['https://[64:ff9b:1::a00:1]/', 'address_not_allowed'],
    ['https://[2002:7f00:1::]/', 'address_not_allowed'],
    ['https://[2001:0:7f00:1::1]/', 'address_not_allowed'],
    ['https://[fe80::1%25eth0]/', 'invalid_url'],
    ['https://127.0.0.1:443@8.8.8.8/', 'invalid_url'],
    ['https://8.8.8.8@127.0.0.1/', 'invalid_url'],
  ])('%s: %s', (url, reason) => {
    expect(vetUrl(url, [])).toEqual({ ok: false, reason });
  });

  test('a host that the operator names is excepted, with its port or with any, and no other', () => {
    expect(vetUrl('http://127.0.0.1:9000/x', ['127.0.0.1'])).toMatchObject({ ok: true, isVetted: true });
    expect(vetUrl('http://127.0.0.1:9000/x', ['127.0.0.1:9000'])).toMatchObject({ ok: true, isVetted: true });
    expect(vetUrl('http://127.0.0.1:9001/x', ['127.0.0.1:9000'])).toMatchObject({ ok: false });
    expect(vetUrl('http://siem.internal/', ['127.0.0.1'])).toMatchObject({ ok: false });
    expect(vetUrl('ftp://127.0.0.1/', ['127.0.0.1'])).toMatchObject({ ok: false });
  });
});
