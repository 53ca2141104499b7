import { expect, test } from '@jest/globals';

import { toWireEvent } from '../src/index.ts';
import { eventDeclaration } from '../src/field-declaration.ts';
import { compileCheck } from '../src/quick-check.ts';
import { fieldErrorsOf } from '../src/validate-event.ts';
import { createChance, eventFrom } from './event-maker.ts';
import { spoil, strange } from './spoil-event.ts';

const isEvent = compileCheck(eventDeclaration);
const arrivalMs = Date.UTC(2026, 10, 23);
test('the compiled check says yes exactly where the slow one finds nothing wrong', () => {
  const chance = createChance(20261128);
  const seen = { good: 0, bad: 0 };
  for (let n = 0; n < 4_000; n += 1) {
    const wire: unknown = structuredClone(toWireEvent(eventFrom(chance, 'acme', arrivalMs)));
    for (let times = chance.upTo(2); times > 0; times -= 1) spoil(chance, wire);
    const errors = fieldErrorsOf(wire);
    if (isEvent(wire) !== (errors.length === 0)) throw new Error(`${JSON.stringify(errors)}: ${JSON.stringify(wire)}`);
    seen[errors.length === 0 ? 'good' : 'bad'] += 1;
  }
  for (const value of strange) expect(isEvent(value)).toBe(fieldErrorsOf(value).length === 0);
  // Neither half of the promise is empty.
  expect(Math.min(seen.good, seen.bad)).toBeGreaterThan(400);
});
