import { expect, test } from '@jest/globals';
import { createDirectoryState } from '@docket/directory';
import type { Credential, Subscription } from '@docket/directory';

import { decideReplay, replaysOf } from '../src/replay-policy.ts';
import { decideRemoval } from '../src/subscription-policy.ts';

const now = '2026-01-02T00:00:00.000Z';
const created = '2026-01-01T00:00:00.000Z';
const acme: Credential = { keyId: 'acme', scopes: ['subscriptions:write'], tenants: ['acme'] };
const known: Subscription = {
  version: 1,
  kind: 'subscription',
  id: 'sub_1',
  tenant_id: 'acme',
  name: 'a SIEM',
  format: 'ocsf',
  sink: {
    type: 'webhook',
    url: 'https://siem.example/in',
    headers: { names: ['x-a'], sealed: 'headers' },
    secrets: [
      { sealed: 'new', created_at: created },
      { sealed: 'old', created_at: created, expires_at: '2026-01-03T00:00:00.000Z' },
      { sealed: 'ended', created_at: created, expires_at: now },
    ],
  },
  filter: 'action:user.*',
  mask: [{ field: 'actor.id', action: 'hmac' }],
  mask_key: 'key',
  batch: { max_events: 10, max_bytes: 100_000, max_wait_ms: 0 },
  state: 'paused',
  start_after_seq: 0,
  resume: { id: 'res_1', received_from: created },
  created_at: created,
  updated_at: created,
};
const made = { id: 'sub_2', now, reseal: (sealed: string) => `${sealed} for sub_2`, isDone: () => false };

function directoryOf(...subscriptions: Subscription[]) {
  const directory = createDirectoryState();
  for (const entity of subscriptions) directory.apply({ type: 'put', entity });
  return directory;
}

const replay = (body: { from_seq: number; to_seq: number; filter?: string }, ...others: Subscription[]) =>
  decideReplay(directoryOf(known, ...others), acme, 'sub_1', body, made);

test('a replay is a subscription of its own with the same sink, format and mask, and ends with its range', () => {
  const { puts, removes, result } = replay({ from_seq: 5, to_seq: 9 });
  const { resume: _resume, ...rest } = known;
  expect(puts).toEqual([result]);
  expect(removes).toEqual([]);
  expect(result).toEqual({
    ...rest,
    id: 'sub_2',
    name: 'replay of a SIEM',
    sink: {
      ...known.sink,
      headers: { names: ['x-a'], sealed: 'headers for sub_2' },
      secrets: [
        { sealed: 'new for sub_2', created_at: created },
        { sealed: 'old for sub_2', created_at: created, expires_at: '2026-01-03T00:00:00.000Z' },
      ],
    },
    mask_key: 'key for sub_2',
    state: 'active',
    start_after_seq: 4,
    replay: { of: 'sub_1', to_seq: 9 },
    created_at: now,
    updated_at: now,
  });
  expect(replay({ from_seq: 5, to_seq: 5, filter: 'outcome:denied' }).result.filter).toBe('outcome:denied');
});

test.each([
  [{ from_seq: 5, to_seq: 4 }, '/to_seq'],
  [{ from_seq: 5, to_seq: 9, filter: 'color:red' }, '/filter'],
])('%j is refused, and the member is named', (body, pointer) => {
  const errors = [expect.objectContaining({ pointer })];
  expect(() => replay(body)).toThrow(expect.objectContaining({ code: 'invalid_body', errors }));
});

test('replays that are done count for no limit, and all but the last four of them go when another is asked for', () => {
  const done = Array.from({ length: 100 }, (_, n) => ({
    ...replay({ from_seq: 1, to_seq: 2 }).result,
    id: `r_${n}`,
    created_at: new Date(Date.parse(created) + n * 1_000).toISOString(),
  }));
  const directory = directoryOf(known, ...done);
  const isDone = ({ id }: Subscription): boolean => id.startsWith('r_');
  const range = { from_seq: 1, to_seq: 2 };
  expect(() => decideReplay(directory, acme, 'sub_1', range, made)).toThrow(
    expect.objectContaining({ code: 'limit_reached' }),
  );
  const { removes } = decideReplay(directory, acme, 'sub_1', range, { ...made, isDone });
  expect(removes?.map(({ id }) => id).toSorted()).toEqual(
    done
      .slice(0, 96)
      .map(({ id }) => id)
      .toSorted(),
  );
});

test('a subscription has at most four replays, none of which has a replay; they end with it', () => {
  const replays = Array.from({ length: 4 }, (_, n) => ({ ...replay({ from_seq: 1, to_seq: 2 }).result, id: `r_${n}` }));
  expect(replay({ from_seq: 1, to_seq: 2 }, ...replays.slice(1)).result.id).toBe('sub_2');
  expect(() => replay({ from_seq: 1, to_seq: 2 }, ...replays)).toThrow(
    expect.objectContaining({ code: 'limit_reached' }),
  );
  const directory = directoryOf(known, ...replays, { ...known, id: 'sub_3' });
  expect(() => decideReplay(directory, acme, 'r_0', { from_seq: 1, to_seq: 2 }, made)).toThrow(
    expect.objectContaining({ code: 'invalid_body' }),
  );
  expect(replaysOf(directory, known)).toHaveLength(4);
  expect(
    decideRemoval(directory, acme, 'sub_1')
      .removes?.map(({ id }) => id)
      .toSorted(),
  ).toEqual(['r_0', 'r_1', 'r_2', 'r_3', 'sub_1']);
  expect(decideRemoval(directory, acme, 'r_0').removes).toEqual([{ kind: 'subscription', id: 'r_0' }]);
});

test('I5: another tenant’s subscription does not exist', () => {
  const beta: Credential = { ...acme, tenants: ['beta'] };
  expect(() => decideReplay(directoryOf(known), beta, 'sub_1', { from_seq: 1, to_seq: 2 }, made)).toThrow(
    expect.objectContaining({ code: 'not_found' }),
  );
});
