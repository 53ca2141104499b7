import { expect, test } from '@jest/globals';
import type { Subscription } from '@docket/directory';
import type { AttemptRow } from '@docket/event';

import { firstCursor } from '../src/cursors/cursor-mapper.ts';
import type { Cursor } from '../src/cursors/cursor-mapper.ts';
import { noneSkipped } from '../src/batches/skipped-counts.ts';
import { statusOf } from '../src/status-mapper.ts';
import type { Standing } from '../src/status-mapper.ts';

const version = '2026-11-23T09:00:00.000Z';
const nowMs = Date.parse('2026-11-23T12:00:00.000Z');
const subscription: Subscription = {
  version: 1,
  kind: 'subscription',
  id: 'sub_1',
  tenant_id: 'acme',
  name: 'a SIEM',
  sink: { type: 'webhook', url: 'https://siem.example/in', secrets: [{ sealed: 'x', created_at: version }] },
  batch: { max_events: 100, max_bytes: 100_000, max_wait_ms: 0 },
  state: 'active',
  start_after_seq: 0,
  created_at: version,
  updated_at: version,
};
const cursor: Cursor = { ...firstCursor(0, 1), seq: 10, passed: { ...noneSkipped, filtered: 2 } };
const attempt: AttemptRow = {
  subscription_id: 'sub_1',
  from_seq: 11,
  to_seq: 12,
  event_count: 2,
  try: 3,
  started_at_ms: nowMs - 1_000,
  duration_ms: 5,
  outcome: 'retry',
  http_status: 503,
  error: 'status_503',
  answer_excerpt: 'later',
};
const standing: Standing = {
  headSeq: 15,
  nextReceivedAtMs: nowMs - 90_500,
  attempts: [attempt],
  lastFailure: attempt,
};

function status(wish: Subscription['state'], changes: Partial<Cursor>, known: Standing | undefined = standing) {
  const at = { ...cursor, ...changes };
  return statusOf({ ...subscription, state: wish }, at, { parked: 1, standing: known, nowMs });
}

test.each([
  ['active', { state: 'active' }, 'active'],
  ['paused', { state: 'active' }, 'paused'],
  ['active', { state: 'failing' }, 'failing'],
  ['paused', { state: 'failing' }, 'paused'],
  ['active', { state: 'suspended', suspendedVersion: version }, 'suspended'],
  ['paused', { state: 'suspended', suspendedVersion: version }, 'suspended'],
  ['active', { state: 'suspended', suspendedVersion: 'before' }, 'active'],
  ['paused', { state: 'suspended', suspendedVersion: 'before' }, 'paused'],
] as const)('wished %s with a cursor %j, a subscription is %s', (wish, changes, expected) => {
  expect(status(wish, changes).state).toBe(expected);
});

test('an outage that lasts is told with its beginning and its error, and none that is over', () => {
  const failing = { state: 'failing', failingSinceMs: nowMs - 60_000, lastError: 'timeout' } as const;
  expect(status('active', failing)).toMatchObject({
    failing_since: '2026-11-23T11:59:00.000Z',
    last_error: 'timeout',
  });
  const healthy = status('active', {});
  expect(healthy).not.toHaveProperty('failing_since');
  expect(healthy).not.toHaveProperty('last_error');
  expect(healthy).not.toHaveProperty('last_success_at');
  expect(status('active', { toldAtMs: nowMs }).last_success_at).toBe('2026-11-23T12:00:00.000Z');
});

test('the lag is in records and in the age of the first of them; what was sent ahead of the index is none', () => {
  expect(status('active', {}).lag).toEqual({ events: 5, seconds: 90.5, head_seq: 15 });
  expect(status('active', { seq: 15 }, { ...standing, nextReceivedAtMs: undefined }).lag).toEqual({
    events: 0,
    seconds: 0,
    head_seq: 15,
  });
  expect(status('active', { seq: 20 }).lag).toEqual({ events: 0, seconds: 0, head_seq: 15 });
});

test('where the receiver was told is in front of what was passed; parked events are counted', () => {
  expect(status('active', {})).toMatchObject({ seq: 10, told_seq: 8, parked: 1 });
});

test('while ClickHouse is away the rest is told', () => {
  const answer = statusOf(subscription, cursor, { parked: 0, standing: undefined, nowMs });
  expect(answer).toMatchObject({ state: 'active', seq: 10, lag: null, last_failure: null, attempts: [] });
});

test('attempts are shown as the trace of an event shows them', () => {
  expect(status('active', {}).attempts).toEqual([
    {
      at: '2026-11-23T11:59:59.000Z',
      duration_ms: 5,
      outcome: 'retry',
      try: 3,
      from_seq: 11,
      to_seq: 12,
      events: 2,
      http_status: 503,
      error: 'status_503',
      answer_excerpt: 'later',
    },
  ]);
});
