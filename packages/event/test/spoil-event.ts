import type { Chance } from './event-maker.ts';

const nested = (levels: number): unknown => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`);

/** What may stand in the place of a field: of each type, at and over limits, and what only parsers of JSON can make. */
export const strange: readonly [unknown, ...unknown[]] = [
  null, true, false, 0, -1, 1.5, 1e21, Infinity, 2 ** 53, -(2 ** 53), '', 'x', 'x'.repeat(129), 'x'.repeat(2_049), 'é'.repeat(1_025),
  '👩'.repeat(512), '👩'.repeat(513), '\ud800', 'a\udc00b', '00000000-0000-0000-0000-000000000000', '2026-02-30T00:00:00Z', '2026-11-23T09:00:00Z', 'fe80::1%e',
  '::1', [], [null], [{}], {}, { type: 't', id: 'i' }, [{ type: 't', id: 'i' }], [{ path: 'p' }], Array.from({ length: 65 }, () => ({ path: 'p' })),
  Array.from({ length: 33 }, () => ({ type: 't', id: 'i' })), { a: { b: 1 } }, { 'a b': 'x' }, { k: 2 ** 53 }, { k: 'x'.repeat(2_049) }, { k: '\ud800' },
  JSON.parse('{"__proto__":"x"}'), JSON.parse('{"constructor":"x"}'), nested(32), nested(33), 'x'.repeat(8_190), 'x'.repeat(8_191), '"'.repeat(4_096), ['\ud800', 2 ** 53],
  Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`k${n}`, n])),
]; // prettier-ignore
const names = [
  '',
  'id',
  'type',
  'name',
  'metadata',
  'old',
  'new',
  'ip',
  'counter',
  'toString',
  '__proto__',
  'discription',
] as const;

/** Changes a member somewhere in a document: takes it out, puts something strange in its place, or adds one. */
export function spoil(chance: Chance, value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const keys = Object.keys(value);
  const key = keys[chance.upTo(Math.max(0, keys.length - 1))];
  if (key === undefined || chance.onceIn(4)) {
    if (!Array.isArray(value)) Reflect.defineProperty(value, chance.pick(names), put(chance.pick(strange)));
    return;
  }
  const inner: unknown = Reflect.get(value, key);
  if (typeof inner === 'object' && inner !== null && !chance.onceIn(3)) spoil(chance, inner);
  else if (chance.onceIn(4) && !Array.isArray(value)) Reflect.deleteProperty(value, key);
  else Reflect.set(value, key, chance.pick(strange));
}

const put = (value: unknown): PropertyDescriptor => ({ value, enumerable: true, configurable: true, writable: true });
