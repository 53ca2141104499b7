import { expect, test } from '@jest/globals';
import { newEventId } from '../src/event-id.ts';

test('is a UUIDv7 of the given time, and never the same twice', () => {
  const ids = Array.from({ length: 1000 }, () => newEventId(0x0199f3c2abcd));
  for (const id of ids) expect(id).toMatch(/^0199f3c2-abcd-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(new Set(ids).size).toBe(1000);
});
