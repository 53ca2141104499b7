import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@docket/testkit';
import { createDocket, type Docket, type DocketOptions } from '../src/index.ts';

import {
  type Behaviour,
  problem,
  type ReceivedRequest,
  type ScriptedGateway,
  startScriptedGateway,
} from './scripted-gateway.ts';

const actor = { type: 'user', id: 'u_1' };
const opened: { close(): Promise<unknown> }[] = [];
let dir: string;
let gateway: ScriptedGateway;
/** Tenants that are over their quota. */
let overQuota: ReadonlySet<string>;
/** Actions that a firewall before it dislikes. */
let disliked: ReadonlySet<string>;
/** It takes nothing of anybody. */
let isAway: boolean;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'docket-sdk-'));
  overQuota = new Set();
  disliked = new Set();
  isAway = false;
  gateway = await startScriptedGateway((_index, request) => behaviourOf(request));
  opened.push(gateway);
});

afterEach(async () => {
  for (const item of opened.splice(0).toReversed()) await item.close();
  await rm(dir, { recursive: true });
});

/** As the gateway does it: nothing of the request is taken, and the first event of each such tenant is named. */
function behaviourOf({ events }: ReceivedRequest): Behaviour {
  if (isAway) return { kind: 'answer', status: 503 };
  if (events.some(({ action }) => disliked.has(action))) return { kind: 'answer', status: 403 };
  if (events.length === 0) return problem(422, 'invalid_event');
  const tenants = [...overQuota].filter((tenantId) => events.some((event) => event.tenant_id === tenantId));
  if (tenants.length === 0) return { kind: 'accept' };
  const errors = tenants.map((tenantId) => {
    const index = events.findIndex((event) => event.tenant_id === tenantId);
    return { pointer: `/events/${index}/tenant_id`, detail: 'is a tenant that has used up its quota' };
  });
  return problem(429, 'rate_limited', { errors });
}

function open(spool: { dir: string; bytesMax?: number } | false, more: Partial<DocketOptions> = {}): Docket {
  const docket = createDocket({
    url: gateway.url,
    key: 'dk_test_secret',
    source: { service: 'test' },
    spool,
    retry: { baseDelayMs: 5, maxDelayMs: 20 },
    batch: { eventsMax: 10 },
    onFailure: () => undefined,
    ...more,
  });
  opened.push({ close: () => docket.close({ deadlineMs: 1 }) });
  return docket;
}

const record = (docket: Docket, tenantId: string, n: number) =>
  docket.record({ tenant_id: tenantId, action: `step.n${n}`, actor });

const recordNow = (docket: Docket, tenantId: string, n: number) =>
  docket.recordNow({ tenant_id: tenantId, action: `step.n${n}`, actor });

/** The actions of a tenant that were taken, in order. */
function takenOf(tenantId: string): string[] {
  const taken = new Set(gateway.taken);
  const events = gateway.requests.flatMap((request) => request.events);
  const actions = events.filter((event) => event.tenant_id === tenantId && taken.has(event.id));
  return [...new Set(actions.map(({ action }) => action))];
}

const steps = (count: number): string[] => Array.from({ length: count }, (_, n) => `step.n${n}`);

describe.each([{ kept: 'disk' }, { kept: 'memory' }])('I7: a tenant over its quota, kept on $kept', ({ kept }) => {
  const spool = () => (kept === 'disk' ? { dir } : (false as const));

  test('waits alone: the others go on, and its own events come in their order', async () => {
    overQuota = new Set(['busy']);
    const docket = open(spool());
    for (let n = 0; n < 60; n += 1) {
      await record(docket, 'busy', n);
      await record(docket, 'other', n);
    }
    await eventually(() => takenOf('other').length === 60, { what: 'all of the other tenant' });
    expect(takenOf('other')).toEqual(steps(60));
    expect(takenOf('busy')).toEqual([]);
    // The gateway has taken them before its answer has come.
    await eventually(() => docket.stats().accepted === 60, { what: 'the last answer' });
    expect(docket.stats()).toMatchObject({ accepted: 60, queuedEvents: 60, heldEvents: 60 });

    overQuota = new Set();
    for (let n = 60; n < 70; n += 1) await record(docket, 'busy', n);
    expect(await docket.flush()).toMatchObject({ ok: true });
    expect(takenOf('busy')).toEqual(steps(70));
    expect(docket.stats()).toMatchObject({ accepted: 130, queuedEvents: 0, queuedBytes: 0 });
  });

  test('two of them do not wait for each other', async () => {
    overQuota = new Set(['busy', 'full']);
    const docket = open(spool());
    for (let n = 0; n < 30; n += 1) for (const tenantId of ['busy', 'full', 'other']) await record(docket, tenantId, n);
    await eventually(() => takenOf('other').length === 30, { what: 'all of the other tenant' });
    overQuota = new Set(['busy']);
    await eventually(() => takenOf('full').length === 30, { what: 'all of the tenant that may again' });
    expect(takenOf('full')).toEqual(steps(30));
    expect(takenOf('busy')).toEqual([]);
  });

  /** Ten events of it, held back, of which the fourth is disliked. */
  async function holdDisliked(docket: Docket): Promise<void> {
    overQuota = new Set(['busy']);
    for (let n = 0; n < 10; n += 1) await docket.record({ tenant_id: 'busy', action: `step.b${n}`, actor });
    await recordNow(docket, 'other', 0);
    disliked = new Set(['step.b3']);
    overQuota = new Set();
  }

  test('has an event given up that something in between dislikes, however much of others is taken meanwhile', async () => {
    const docket = open(spool());
    await holdDisliked(docket);
    for (let n = 1; n < 300 && takenOf('busy').length < 9; n += 1) await recordNow(docket, 'other', n);
    expect(takenOf('busy')).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9].map((n) => `step.b${n}`));
    expect(docket.stats()).toMatchObject({ refused: 1 });
  });

  test('waits alone while an event of it is doubted', async () => {
    const docket = open(spool(), { retry: { baseDelayMs: 5, maxDelayMs: 600_000 } });
    await holdDisliked(docket);
    await eventually(() => takenOf('busy').length === 3, { what: 'what is before the disliked event' });
    for (let n = 1; n < 20; n += 1) expect(await recordNow(docket, 'other', n)).toMatchObject({ ok: true });
    expect(docket.stats()).toMatchObject({ refused: 0, heldEvents: 7 });
  });

  test('one whose answer is waited for is told when it is taken', async () => {
    overQuota = new Set(['busy']);
    const docket = open(spool());
    const late = docket.recordNow({ tenant_id: 'busy', action: 'step.n0', actor });
    expect(await docket.recordNow({ tenant_id: 'other', action: 'step.n0', actor })).toMatchObject({ ok: true });
    overQuota = new Set();
    expect(await late).toMatchObject({ ok: true });
  });
});

test('flush waits for what is held back, whatever others record and have taken meanwhile', async () => {
  overQuota = new Set(['busy']);
  const docket = open({ dir });
  await record(docket, 'busy', 0);
  // Behind it, so that it has been held back when this is taken.
  await recordNow(docket, 'other', 0);
  const flushed = docket.flush({ deadlineMs: 300 });
  for (let n = 1; n < 4; n += 1) expect(await recordNow(docket, 'other', n)).toMatchObject({ ok: true });
  expect(await flushed).toEqual({ ok: false, reason: 'deadline', pending: 1 });
  overQuota = new Set();
  expect(await docket.flush()).toEqual({ ok: true });
  expect(takenOf('busy')).toEqual(steps(1));
});

test('what is held back is there after a restart, counted, and goes before what is recorded then', async () => {
  overQuota = new Set(['busy']);
  const first = open({ dir });
  for (let n = 0; n < 25; n += 1) await record(first, 'busy', n);
  // Behind them, so that they have been held back when it is taken.
  expect(await first.recordNow({ tenant_id: 'other', action: 'step.n0', actor })).toMatchObject({ ok: true });
  const { queuedBytes } = first.stats();
  await first.close({ deadlineMs: 1 });

  const second = open({ dir });
  await record(second, 'busy', 25);
  await eventually(() => second.stats().queuedEvents === 26, { what: 'what was held back to be counted' });
  expect(second.stats().queuedBytes).toBeGreaterThan(queuedBytes);
  expect(takenOf('busy')).toEqual([]);
  overQuota = new Set();
  await eventually(() => takenOf('busy').length === 26, { what: 'what was held back to be taken' });
  expect(takenOf('busy')).toEqual(steps(26));
  await eventually(() => second.stats().queuedEvents === 0, { what: 'an empty spool' });
  await second.close();
  expect(gateway.taken).toHaveLength(27);
});

describe.each([{ kept: 'disk' }, { kept: 'memory' }])('I7, I8: a spool with little room, kept on $kept', ({ kept }) => {
  /** Room for some 50 events. */
  const bytesMax = 15_000;
  const openSmall = (more: Partial<DocketOptions> = {}): Docket =>
    open(kept === 'disk' ? { dir, bytesMax } : false, { memory: kept === 'disk' ? {} : { bytesMax }, ...more });

  /** Records until the tenant is refused; gives how many were taken. */
  async function recordUntilFull(docket: Docket, tenantId: string): Promise<number> {
    for (let n = 0; n < 1_000; n += 1) {
      const outcome = await record(docket, tenantId, n);
      if (!outcome.ok) {
        expect(outcome).toMatchObject({ reason: 'spool_full', detail: expect.stringContaining(tenantId) });
        return n;
      }
      // Behind it, so that the gateway has refused it by then, and it is held back.
      await recordNow(docket, 'third', n);
    }
    throw new Error(`${tenantId} was never refused`);
  }

  test('a tenant over its quota takes half of it, the others go on, and nothing that was taken is lost or late', async () => {
    overQuota = new Set(['busy']);
    const docket = openSmall();
    const taken = await recordUntilFull(docket, 'busy');
    const full = docket.stats().queuedBytes;
    expect(full).toBeGreaterThan(bytesMax * 0.4);
    expect(full).toBeLessThanOrEqual(bytesMax / 2);
    for (let n = 0; n < 60; n += 1) expect(await recordNow(docket, 'other', n)).toMatchObject({ ok: true });
    expect(docket.stats().rejected).toEqual({ spool_full: 1 });

    overQuota = new Set();
    expect(await docket.flush()).toMatchObject({ ok: true });
    expect(takenOf('busy')).toEqual(steps(taken));
    expect(await record(docket, 'busy', taken)).toMatchObject({ ok: true });
  });

  test('two of them take a third each', async () => {
    overQuota = new Set(['busy', 'full']);
    const docket = openSmall();
    await recordUntilFull(docket, 'busy');
    await recordUntilFull(docket, 'full');
    // The first has half, the second as much as it leaves.
    expect(docket.stats().queuedBytes).toBeLessThanOrEqual(bytesMax * 0.76);
    expect(await record(docket, 'other', 0)).toMatchObject({ ok: true });
  });

  /** Records without a pause until it is refused; gives how many were taken. */
  async function flood(docket: Docket, tenantId: string): Promise<number> {
    for (let n = 0; n < 1_000; n += 1) if (!(await record(docket, tenantId, n)).ok) return n;
    throw new Error(`${tenantId} was never refused`);
  }

  test('a tenant that floods it before it was ever refused leaves half of it to the others', async () => {
    isAway = true;
    const docket = openSmall();
    await record(docket, 'other', 0);
    const taken = await flood(docket, 'busy');
    expect(docket.stats().queuedBytes).toBeLessThanOrEqual(bytesMax / 2 + 1_000);
    for (let n = 1; n < 10; n += 1) expect(await record(docket, 'other', n)).toMatchObject({ ok: true });
    expect(await record(docket, 'busy', taken)).toMatchObject({
      reason: 'spool_full',
      detail: expect.stringContaining('bytes of busy wait'),
    });

    isAway = false;
    expect(await docket.flush()).toMatchObject({ ok: true });
    expect([takenOf('busy'), takenOf('other')]).toEqual([steps(taken), steps(10)]);
  });

  test('the only tenant has all of it', async () => {
    isAway = true;
    const docket = openSmall();
    await flood(docket, 'only');
    expect(docket.stats().queuedBytes).toBeGreaterThan(bytesMax * 0.8);
  });

  test('one that may wait for room waits alone, and is kept when its events are taken', async () => {
    overQuota = new Set(['busy']);
    const docket = openSmall({ waitForRoomMs: 10_000 });
    const first = record(docket, 'busy', 0);
    await recordNow(docket, 'third', 0);
    const all = Promise.all([first, ...Array.from({ length: 99 }, (_, n) => record(docket, 'busy', n + 1))]);
    for (let n = 0; n < 60; n += 1) expect(await recordNow(docket, 'other', n)).toMatchObject({ ok: true });
    overQuota = new Set();
    expect((await all).every(({ ok }) => ok)).toBe(true);
    expect(await docket.flush()).toMatchObject({ ok: true });
    expect([takenOf('busy'), takenOf('other')]).toEqual([steps(100), steps(60)]);
  });
});
