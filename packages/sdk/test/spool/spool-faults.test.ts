import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { open as openFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '@docket/testkit';
import type { Draft } from '../../src/spool/entry.ts';
import { createSlots, type Slots } from '../../src/spool/slots.ts';
import { createSpool, type Spool, type SpoolOptions } from '../../src/spool/spool.ts';
import type { SpoolStore } from '../../src/spool/spool-store.ts';
import { useTemporaryFolder } from './temporary-folder.ts';

const opened: Spool[] = [];
afterEach(async () => {
  for (const spool of opened.splice(0)) await spool.close();
});
const folderOf = useTemporaryFolder();

const everything = { eventsMax: 1000, bytesMax: 10_000_000 };
const backlogEvents = 800;

const slotsFor = (): Slots =>
  createSlots({
    dir: folderOf(),
    service: 'app',
    instance: 'host',
    destination: 'https://docket.example/v1/events',
    isPowerSafe: false,
    onDamage: () => undefined,
  });

/** Parts of a table of LevelDB, from a share of it on: the header of the first block, which has the running numbers; whole blocks of events. */
const damages = { numbers: { from: 0, bytes: 64 }, events: { from: 0.5, bytes: 16_384 } };

/** Leaves a spool with one event of each of `backlogEvents` tenants, of which a part cannot be read. */
async function leaveDamaged(what: keyof typeof damages): Promise<void> {
  const slots = slotsFor();
  const store = await slots.own();
  const entries = Array.from({ length: backlogEvents }, (_, n) => {
    const text = JSON.stringify({ n, text: Array.from({ length: 20 }, () => Math.random()).join() });
    const counted = { tenantId: `t${String(n).padStart(4, '0')}`, counter: 1 };
    return { place: n + 1, text, bytes: Buffer.byteLength(text), onSettled: undefined, counted };
  });
  await store.append(entries);
  await slots.release(store);
  // LevelDB makes a table of its log when it opens it.
  await slots.release(await slots.own());
  const [table = ''] = (await readdir(store.folder)).filter((name) => name.endsWith('.ldb'));
  const file = await openFile(join(store.folder, table), 'r+');
  const { size } = await file.stat();
  const { from, bytes } = damages[what];
  await file.write(Buffer.alloc(bytes, 0xff), 0, bytes, Math.floor(size * from));
  await file.close();
}

/** A spool on what was left, the stores that it has had as its own, and what it has told of. Its disk is as `disk` says at the time. */
function openSpool(more: Partial<SpoolOptions> = {}, disk: { isAway: boolean } = { isAway: false }) {
  const slots = slotsFor();
  const own: SpoolStore[] = [];
  const faults: string[] = [];
  let unread = 0;
  const spool = createSpool({
    slots: {
      ...slots,
      async own() {
        if (disk.isAway) throw new Error('no such disk');
        const store = await slots.own();
        own.push(store);
        return store;
      },
    },
    bytesMax: 100_000_000,
    memory: { eventsMax: 1000, bytesMax: 10_000_000 },
    waitForRoomMs: 0,
    adoptIntervalMs: 60_000,
    textOf: ({ id, tenantId }, spoolId, counter) => JSON.stringify({ id, tenant_id: tenantId, spoolId, counter }),
    onKeep: () => undefined,
    onUnread: () => (unread += 1),
    onFault: (detail) => faults.push(detail.slice(0, detail.indexOf(':'))),
    onEntries: () => undefined,
    ...more,
  });
  opened.push(spool);
  const append = (id: string, tenantId = 'acme') => {
    const draft: Draft = { id, tenantId, body: '{}', bytes: 100, isNumbered: true };
    return spool.append(draft);
  };
  const untilOnDisk = () =>
    eventually(
      async () => {
        await spool.peek(everything);
        return spool.size().kept === 'disk';
      },
      { what: 'the return to the disk', deadlineMs: 10_000 },
    );
  return { spool, own, faults, unread: () => unread, append, untilOnDisk };
}

/** Takes everything that can be read out of the spool. */
async function takeAll(spool: Spool): Promise<Record<string, unknown>[]> {
  const taken: Record<string, unknown>[] = [];
  for (let batch = await spool.peek(everything); batch !== undefined; batch = await spool.peek(everything)) {
    taken.push(...batch.entries.map(({ text }): Record<string, unknown> => JSON.parse(text)));
    await batch.drop();
  }
  return taken;
}

test('numbers that cannot be read: events are kept in memory with numbers of their own, and nothing is lost', async () => {
  await leaveDamaged('numbers');
  const { spool, own, faults, append } = openSpool();
  const outcomes = await Promise.all([append('a', 't0000'), append('b', 't0000')]);
  for (const outcome of [...outcomes, await append('c', 't0000')])
    expect(outcome).toEqual({ ok: true, kept: 'memory' });
  expect(faults).toEqual(['reading the spool']);
  const taken = await takeAll(spool);
  expect(taken).toHaveLength(backlogEvents + 3);
  expect(taken.slice(-3).map(({ id, counter }) => [id, counter])).toEqual([
    ['a', 1],
    ['b', 2],
    ['c', 3],
  ]);
  expect(taken.at(-1)?.['spoolId']).not.toBe(own[0]?.id);
});

test('a spool that takes no more writes, and then cannot be read, is left for somebody who can', async () => {
  await leaveDamaged('events');
  const { spool, own, faults, unread, append } = openSpool();
  expect(await append('a')).toEqual({ ok: true, kept: 'disk' });
  // LevelDB takes no write once it has met what it cannot read.
  await own[0]?.compact();
  expect(await append('b')).toEqual({ ok: true, kept: 'memory' });
  expect((await takeAll(spool)).map(({ id }) => id)).toEqual(['b']);
  expect(faults).toEqual(['writing to the spool', 'reading the spool']);
  expect(unread()).toBe(1);
  await spool.close();

  const slots = slotsFor();
  const left = await slots.own();
  expect(left).toMatchObject({ id: own[0]?.id, backlog: { events: backlogEvents + 1 } });
  await slots.release(left);
});

test('what goes back to the disk is not put behind what cannot be read', async () => {
  await leaveDamaged('events');
  const { spool, own, faults, append, untilOnDisk } = openSpool();
  expect(await spool.peek(everything)).toBeUndefined();
  expect(await append('a')).toEqual({ ok: true, kept: 'memory' });
  await untilOnDisk();
  expect(own.map(({ backlog }) => backlog.events)).toEqual([backlogEvents, 0]);
  expect((await takeAll(spool)).map(({ id }) => id)).toEqual(['a']);
  expect(faults).toEqual(['reading the spool']);
});

test('a clock that is set back does not keep events in memory', async () => {
  const disk = { isAway: true };
  const { append, untilOnDisk } = openSpool({}, disk);
  expect(await append('a')).toEqual({ ok: true, kept: 'memory' });
  disk.isAway = false;
  const now = Date.now;
  const clock = jest.spyOn(Date, 'now').mockImplementation(() => now() - 3_600_000);
  try {
    await untilOnDisk();
  } finally {
    clock.mockRestore();
  }
  expect(await append('b')).toEqual({ ok: true, kept: 'disk' });
});

describe('an event that waits for room', () => {
  const waiting = { waitForRoomMs: 20_000, memory: { eventsMax: 1, bytesMax: 10_000_000 } };

  test('has it when the disk takes events again', async () => {
    const disk = { isAway: true };
    const { append, untilOnDisk } = openSpool(waiting, disk);
    expect(await append('a')).toEqual({ ok: true, kept: 'memory' });
    const late = append('b');
    disk.isAway = false;
    await untilOnDisk();
    expect(await late).toEqual({ ok: true, kept: 'disk' });
  });

  test('has it when the spool has been opened', async () => {
    const { append } = openSpool(waiting);
    for (const outcome of await Promise.all([append('a'), append('b'), append('c')]))
      expect(outcome).toEqual({ ok: true, kept: 'disk' });
  });

  test('has that of what cannot be read', async () => {
    await leaveDamaged('events');
    const { spool, append } = openSpool({ ...waiting, bytesMax: 10_000 });
    await eventually(() => spool.size().kept === 'disk', { what: 'an open spool' });
    const late = append('a');
    expect(await spool.peek(everything)).toBeUndefined();
    expect(await late).toEqual({ ok: true, kept: 'memory' });
  });
});
