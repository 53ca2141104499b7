import { expect, test } from '@jest/globals';
import { countBeforeRepetition, idOf, tenantIdOf } from '../../src/spool/entry.ts';

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

test.each<[string, string[], number]>([
  ['none', [], 0],
  ['different ids', ['i t', 'j t', 'k t'], 3],
  ['one id of two tenants', ['i t', 'i u'], 2],
  ['one id twice', ['i t', 'j t', 'i t', 'k t'], 2],
  ['one id at once again', ['i t', 'i t', 'i t'], 1],
  ['one id in two cases', ['ab t', 'AB t'], 1],
])('entries are counted up to the first repetition: %s', (_what, identities, count) => {
  const entries = identities.map((identity, n) => {
    const [id, tenant_id] = identity.split(' ');
    return { text: JSON.stringify({ id, tenant_id, action: `a.${n}` }) };
  });
  expect(countBeforeRepetition(entries)).toBe(count);
});

test('what does not begin as a recorder writes it repeats nothing', () => {
  expect(countBeforeRepetition([{ text: '' }, { text: '' }, { text: '{"a":1}' }, { text: '{"a":1}' }])).toBe(4);
});
