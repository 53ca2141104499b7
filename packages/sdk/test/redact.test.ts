import { expect, test } from '@jest/globals';
import { redactKeys } from '../src/index.ts';

test('hides values by the names of their keys, wherever they are, and changes nothing else', () => {
  const event = {
    action: 'user.updated',
    actor: { type: 'user', id: 'u_1', metadata: { api_key: 'k', team: 'blue' } },
    resources: [{ type: 'user', id: 'u_2', metadata: { Token: 't' } }],
    metadata: { 'Api-Key': 'k', plan: 'pro', token: null },
    changes: [
      { path: 'password', old: 'a', new: 'b' },
      { path: 'profile', old: null, new: { name: 'Jane', secrets: [{ apiKey: 'k' }], password: { hash: 'h' } } },
      { path: 'token.value', new: 'x' },
      { path: 'name', old: 'Jan' },
    ],
  };
  const before = structuredClone(event);
  expect(redactKeys(['password', 'apiKey', 'token'])(event)).toEqual({
    action: 'user.updated',
    actor: { type: 'user', id: 'u_1', metadata: { api_key: '[redacted]', team: 'blue' } },
    resources: [{ type: 'user', id: 'u_2', metadata: { Token: '[redacted]' } }],
    metadata: { 'Api-Key': '[redacted]', plan: 'pro', token: '[redacted]' },
    changes: [
      { path: 'password', old: '[redacted]', new: '[redacted]' },
      {
        path: 'profile',
        old: null,
        new: { name: 'Jane', secrets: [{ apiKey: '[redacted]' }], password: '[redacted]' },
      },
      { path: 'token.value', new: '[redacted]' },
      { path: 'name', old: 'Jan' },
    ],
  });
  expect(event).toEqual(before);
});

test('I8: what is nested too deeply to be looked through is hidden whole', () => {
  let deep: unknown = 'secret';
  for (let level = 0; level < 40; level += 1) deep = { in: deep };
  const redacted = redactKeys(['x'])({ action: 'a', changes: [{ path: 'p', new: deep }] });
  expect(JSON.stringify(redacted)).not.toContain('secret');
  expect(JSON.stringify(redacted)).toContain('[redacted]');
});
