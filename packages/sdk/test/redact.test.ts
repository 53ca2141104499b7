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

test('what an object keeps out of its JSON stays out, and what it has there is looked through', () => {
  class Account {
    id = 'u_1';
    type = 'user';
    passwordHash = 'secret';
    at = new Date(0);
    toJSON(key: string) {
      const { id, type, at } = this;
      return { id, type, at, key, metadata: { apiKey: 'secret' }, toJSON: () => this.passwordHash };
    }
  }
  const account = new Account();
  const changes = [
    { path: 'owner', old: null, new: account },
    { path: 'owners', new: { all: [account] } },
    { path: 'at', new: new Date(Number.NaN) },
  ];
  const redacted = redactKeys(['apiKey'])({ action: 'a', actor: account, resources: [account], changes });
  const shown = { id: 'u_1', type: 'user', at: '1970-01-01T00:00:00.000Z', metadata: { apiKey: '[redacted]' } };
  expect(JSON.parse(JSON.stringify(redacted))).toEqual({
    action: 'a',
    actor: { ...shown, key: 'actor' },
    resources: [{ ...shown, key: '0' }],
    changes: [
      { path: 'owner', old: null, new: { ...shown, key: 'new' } },
      { path: 'owners', new: { all: [{ ...shown, key: '0' }] } },
      { path: 'at', new: null },
    ],
  });
});
