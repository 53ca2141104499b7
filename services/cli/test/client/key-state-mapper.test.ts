import { expect, test } from '@jest/globals';
import { keyStateOf } from '../../src/client/key-state-mapper.ts';

const nowMs = Date.parse('2026-01-02T00:00:00Z');
const [before, after] = ['2026-01-01T00:00:00.000Z', '2026-01-03T00:00:00.000Z'];

test.each([
  [{}, 'valid'],
  [{ expires_at: after }, 'valid'],
  [{ expires_at: before }, `expired ${before}`],
  [{ expires_at: new Date(nowMs).toISOString() }, 'expired 2026-01-02T00:00:00.000Z'],
  [{ expires_at: before, revoked_at: before }, `revoked ${before}`],
])('a key with %j is %s', (key, state) => {
  expect(keyStateOf(key, nowMs)).toBe(state);
});
