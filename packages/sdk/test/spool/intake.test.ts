import { expect, test } from '@jest/globals';
import type { Draft } from '../../src/spool/entry.ts';
import { createIntake } from '../../src/spool/intake.ts';

const draft = (id: string, tenantId = 't', bytes = 10): Draft => ({
  id,
  tenantId,
  body: '{}',
  bytes,
  isNumbered: true,
});

/** An intake into a list that has room for so many, but not for tenants that have their share. */
function intakeFor(
  room: { events: number; bytes?: number },
  waitForRoomMs = 0,
  overShare: ReadonlySet<string> = new Set(),
) {
  const kept: string[] = [];
  const writes: number[] = [];
  const intake = createIntake({
    opened: Promise.resolve(),
    keep(drafts) {
      writes.push(drafts.length);
      kept.push(...drafts.map(({ id }) => id));
      return Promise.resolve('disk');
    },
    fullness: ({ events, bytes }, tenantId) => {
      if (overShare.has(tenantId)) return { detail: 'its share is full', isOfTenant: true };
      const isFull = kept.length + events > room.events || bytes > (room.bytes ?? Infinity);
      return isFull ? { detail: 'it is full', isOfTenant: false } : undefined;
    },
    waitForRoomMs,
  });
  return { intake, kept, writes };
}

test('what is appended together is written together, in order', async () => {
  const { intake, kept, writes } = intakeFor({ events: 10_000 });
  const ids = Array.from({ length: 1200 }, (_, i) => String(i));
  const outcomes = await Promise.all(ids.map((id) => intake.append(draft(id))));
  expect(outcomes).toEqual(ids.map(() => ({ ok: true, kept: 'disk' })));
  expect(kept).toEqual(ids);
  expect(writes).toEqual([500, 500, 200]);
  expect(intake.size()).toEqual({ events: 0, bytes: 0 });
});

test('a write that fails is told to those in it alone; what comes later is kept', async () => {
  let isBroken = true;
  const intake = createIntake({
    opened: Promise.resolve(),
    keep: () => (isBroken ? Promise.reject(new Error('broken')) : Promise.resolve('memory')),
    fullness: () => undefined,
    waitForRoomMs: 0,
  });
  expect(await intake.append(draft('a'))).toEqual({ ok: false, detail: 'broken' });
  isBroken = false;
  expect(await intake.append(draft('b'))).toEqual({ ok: true, kept: 'memory' });
  expect(intake.size()).toEqual({ events: 0, bytes: 0 });
});

test('I8: without waiting, what has no room is refused at once and says why', async () => {
  const { intake, kept } = intakeFor({ events: 2 });
  const outcomes = await Promise.all(['a', 'b', 'c'].map((id) => intake.append(draft(id))));
  expect(outcomes).toEqual([
    { ok: true, kept: 'disk' },
    { ok: true, kept: 'disk' },
    { ok: false, detail: 'it is full' },
  ]);
  expect(kept).toEqual(['a', 'b']);
});

test('with waiting, it is kept as soon as there is room, in the order of the calls', async () => {
  const room = { events: 1 };
  const { intake, kept } = intakeFor(room, 10_000);
  const outcomes = Promise.all(['a', 'b', 'c'].map((id) => intake.append(draft(id))));
  await intake.written();
  expect(kept).toEqual(['a']);
  room.events = 2;
  intake.admit();
  const later = intake.append(draft('d'));
  room.events = 4;
  intake.admit();
  expect([...(await outcomes), await later].every((outcome) => outcome.ok)).toBe(true);
  expect(kept).toEqual(['a', 'b', 'c', 'd']);
});

test('what waits for the write of others is kept when that is over, without being told', async () => {
  const { intake, kept } = intakeFor({ events: 10_000, bytes: 20 }, 10_000);
  const outcomes = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((id) => intake.append(draft(id))));
  expect(outcomes.every(({ ok }) => ok)).toBe(true);
  expect(kept).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test('what waits for room longer than it may is refused, and those behind it are not held up', async () => {
  const { intake } = intakeFor({ events: 0 }, 20);
  expect(await intake.append(draft('a'))).toEqual({ ok: false, detail: 'it is full; no room within 20 ms' });
  expect(intake.size()).toEqual({ events: 0, bytes: 0 });
});

test('I8: at most 1,000 wait for room', async () => {
  const { intake } = intakeFor({ events: 0 }, 50);
  const outcomes = await Promise.all(Array.from({ length: 1001 }, (_, i) => intake.append(draft(String(i)))));
  expect(outcomes.filter((outcome) => !outcome.ok && outcome.detail.includes('no room within'))).toHaveLength(1000);
});

test('I7: whose share is full waits alone, in the order of its calls', async () => {
  const overShare = new Set(['held']);
  const { intake, kept } = intakeFor({ events: 10_000 }, 10_000, overShare);
  const held = ['h1', 'h2'].map((id) => intake.append(draft(id, 'held')));
  expect(await intake.append(draft('other', 'other'))).toEqual({ ok: true, kept: 'disk' });
  expect(kept).toEqual(['other']);
  overShare.delete('held');
  held.push(intake.append(draft('h3', 'held')));
  intake.admit();
  expect((await Promise.all(held)).every(({ ok }) => ok)).toBe(true);
  expect(kept).toEqual(['other', 'h1', 'h2', 'h3']);
});

test('I7: whose share is full takes no more of the places than he leaves', async () => {
  const overShare = new Set(['held']);
  const { intake } = intakeFor({ events: 10_000 }, 20, overShare);
  const outcomes = await Promise.all(Array.from({ length: 501 }, (_, n) => intake.append(draft(`h${n}`, 'held'))));
  expect(outcomes.at(-2)).toEqual({ ok: false, detail: 'others wait for room; no room within 20 ms' });
  expect(outcomes.at(-1)).toEqual({ ok: false, detail: 'others wait for room; 500 events wait for room already' });
});

test('an event that is given up makes way for smaller ones behind it', async () => {
  const { intake, kept } = intakeFor({ events: 10_000, bytes: 50 }, 20);
  const outcomes = Promise.all([intake.append(draft('large', 't', 51)), intake.append(draft('small', 't', 50))]);
  expect(await outcomes).toMatchObject([{ ok: false }, { ok: true }]);
  expect(kept).toEqual(['small']);
});
