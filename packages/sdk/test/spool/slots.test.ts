import { afterEach, expect, test } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { createSlots, type Slots } from '../../src/spool/slots.ts';
import type { SpoolStore } from '../../src/spool/spool-store.ts';
import { useTemporaryFolder } from './temporary-folder.ts';

const children = new Set<ChildProcess>();
const held: { slots: Slots; store: SpoolStore }[] = [];
// Before the folder goes: a process that lives would write into it.
afterEach(async () => {
  for (const child of children) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  for (const { slots, store } of held.splice(0)) await slots.release(store);
});
const folderOf = useTemporaryFolder();

function slotsFor(
  destination = 'https://docket.example/v1/events',
  onDamage: (detail: string) => void = () => undefined,
): Slots {
  return createSlots({
    dir: folderOf(),
    service: 'app',
    instance: 'host',
    destination,
    isPowerSafe: false,
    onDamage,
  });
}

async function hold(slots: Slots): Promise<SpoolStore> {
  const store = await slots.own();
  held.push({ slots, store });
  return store;
}

async function release(store: SpoolStore): Promise<void> {
  const index = held.findIndex((one) => one.store === store);
  await held.splice(index, 1)[0]?.slots.release(store);
}

const put = (store: SpoolStore) =>
  store.append([{ place: store.lastPlace + 1, text: '{}', bytes: 2, onSettled: undefined, counted: undefined }]);

/** An application that has recorded events and stays; resolves with the first line that it prints. */
async function startRecording(EVENTS: string) {
  const program = fileURLToPath(new URL('../recording-process.js', import.meta.url));
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, SPOOL_DIR: folderOf(), DOCKET_URL: 'https://docket.example/', EVENTS, STAY: '1' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  await once(child.stdout, 'data');
  return child;
}

test('each recorder has a slot of its own; one that was given back is taken again', async () => {
  const [a, b] = [await hold(slotsFor()), await hold(slotsFor())];
  expect([a, b].map(({ folder }) => basename(folder))).toEqual(['0', '1']);
  await release(a);
  expect((await hold(slotsFor())).id).toBe(a.id);
});

test('nobody else on the host may read a spool', async () => {
  const { folder } = await hold(slotsFor());
  expect((await stat(join(folder, '..'))).mode & 0o077).toBe(0);
});

test('what was recorded for one gateway is never found by a recorder for another', async () => {
  const store = await hold(slotsFor('https://one.example/v1/events'));
  await put(store);
  await release(store);
  const other = slotsFor('https://two.example/v1/events');
  expect((await hold(other)).backlog.events).toBe(0);
  expect(await other.abandoned()).toEqual([]);
});

test('abandoned are the spools that nobody holds and that have something to send, each given to one', async () => {
  const [a, b, c] = [await hold(slotsFor()), await hold(slotsFor()), await hold(slotsFor())];
  await put(a);
  await put(b);
  await put(c);
  await release(b);
  const [one, two] = [slotsFor(), slotsFor()];
  const found = (await Promise.all([one.abandoned(), two.abandoned()])).flat();
  expect(found.map(({ id }) => id)).toEqual([b.id]);
  for (const store of found) await one.release(store);
});

test('a process that is killed gives its spool up, one that lives does not', async () => {
  const child = await startRecording('3');
  const slots = slotsFor('https://docket.example/v1/events');
  expect(await slots.abandoned()).toEqual([]);
  const own = await hold(slots);
  expect(basename(own.folder)).toBe('1');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const found = await slots.abandoned();
  expect(found.map(({ backlog }) => backlog.events > 0)).toEqual([true]);
  for (const store of found) await slots.release(store);
});

/** A slot that holds an event of a process that is gone; then, where `isBad`, a file stands where its folder was. */
async function leave(isBad: boolean): Promise<() => Promise<void>> {
  const store = await hold(slotsFor());
  await put(store);
  return async () => {
    await release(store);
    if (!isBad) return;
    await rm(store.folder, { recursive: true });
    await writeFile(store.folder, '');
  };
}

test('a slot that cannot be opened is told of, and does not keep the others from being sent', async () => {
  for (const end of [await leave(false), await leave(true), await leave(false)]) await end();
  const told: string[] = [];
  const slots = slotsFor(undefined, (detail) => told.push(detail));
  const found = await slots.abandoned();
  expect(found.map(({ folder }) => basename(folder))).toEqual(['0', '2']);
  for (const store of found) await slots.release(store);
  for (const store of await slots.abandoned()) await slots.release(store);
  expect(told).toEqual([expect.stringContaining('/1 cannot be opened')]);
});

test('a slot that cannot be opened is passed over', async () => {
  for (const end of [await leave(true), await leave(true), await leave(true)]) await end();
  expect(basename((await hold(slotsFor())).folder)).toBe('3');
});

test('I8: with four slots that cannot be opened, no further one is tried', async () => {
  for (const end of [await leave(true), await leave(true), await leave(true), await leave(true)]) await end();
  await expect(slotsFor().own()).rejects.toThrow();
});

test('a slot that another process removes meanwhile is none', async () => {
  const [own, left] = [await hold(slotsFor()), await leave(false)];
  await left();
  // What the folder names, and what is gone when it is looked at.
  await symlink(join(folderOf(), 'gone'), join(own.folder, '..', '00'));
  const told: string[] = [];
  const slots = slotsFor(undefined, (detail) => told.push(detail));
  const found = await slots.abandoned();
  expect(found.map(({ folder }) => basename(folder))).toEqual(['1']);
  for (const store of found) await slots.release(store);
  expect(told).toEqual([]);
});

/** LevelDB's lock is the process's: to try it a second time, from another thread too, would end it. */
test.each([
  ['by the same path', '.'],
  ['through a link', 'link'],
])('a thread of this process neither gets a slot that another thread holds nor ends the hold, %s', async (_, path) => {
  await symlink('.', join(folderOf(), 'link'));
  const store = await hold(slotsFor());
  const worker = new Worker(new URL('../recording-process.js', import.meta.url), {
    env: {
      ...process.env,
      SPOOL_DIR: join(folderOf(), path),
      DOCKET_URL: 'https://docket.example/',
      EVENTS: '1',
      STAY: '',
    },
  });
  await once(worker, 'exit');
  await put(store);
  const folders = await readdir(join(store.folder, '..'));
  expect(folders.filter((name) => /^\d+$/.test(name)).sort()).toEqual(['0', '1']);
  // Another process would get it if the hold had ended.
  await startRecording('1');
  const slots = (await readdir(join(store.folder, '..'))).filter((name) => /^\d+$/.test(name));
  expect(slots.sort()).toEqual(['0', '1']);
  expect(store.counterOf('t1')).toBe(0);
});
