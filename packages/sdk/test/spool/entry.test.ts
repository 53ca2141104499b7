import { expect, test } from '@jest/globals';
import { idOf, tenantIdOf } from '../../src/spool/entry.ts';

test('id and tenant are found in what a recorder writes, in any other order too', () => {
  const texts = ['{"id":"i","tenant_id":"t","action":"a"}', '{"tenant_id":"t","action":"a","id":"i"}'];
  expect(texts.map((text) => [idOf({ text }), tenantIdOf({ text })])).toEqual([
    ['i', 't'],
    ['i', 't'],
  ]);
});

test('a text that the disk has changed has neither, and throws nothing into the sender', () => {
  const text = '{"action":"a","id"\u0000"i","tenant_id":"t"}';
  expect([idOf({ text }), tenantIdOf({ text })]).toEqual([undefined, '']);
});
