import { afterEach, describe, expect, test } from '@jest/globals';
import { readdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openSpoolStore, type SpoolStore } from '../../src/spool/spool-store.ts';
import { useTemporaryFolder } from './temporary-folder.ts';

const folderOf = useTemporaryFolder();
const opened = new Set<SpoolStore>();
afterEach(async () => {
  for (const store of opened) await close(store);
});

async function openStore(
  options: { instance?: string; isPowerSafe?: boolean; onDamage?: (detail: string) => void } = {},
) {
  const store = await openSpoolStore(join(folderOf(), 'spool'), {
    instance: 'host',
    isPowerSafe: false,
    onDamage: () => undefined,
    ...options,
  });
  opened.add(store);
  return store;
}

async function close(store: SpoolStore): Promise<void> {
  opened.delete(store);
  await store.close();
}

const entry = (place: number, text = `{"n":${place}}`, counter = place) => ({
  place,
  text,
  bytes: Buffer.byteLength(text),
  onSettled: undefined,
  counted: { tenantId: 'acme', counter },
});
const everything = { eventsMax: 1000, bytesMax: 1_000_000 };

describe.each([{ isPowerSafe: false }, { isPowerSafe: true }])('%p', ({ isPowerSafe }) => {
  test('what was appended is there after it was closed and opened, with its size and its running numbers', async () => {
    const first = await openStore({ isPowerSafe });
    expect(first).toMatchObject({ lastPlace: 0, head: 0, backlog: { events: 0, bytes: 0 } });
    await first.append([entry(1), entry(2, '{"text":"größer"}'), entry(3)]);
    expect(first.counterOf('acme')).toBe(3);
    await close(first);

    const second = await openStore();
    expect(second).toMatchObject({ id: first.id, lastPlace: 3, head: 0, backlog: { events: 3, bytes: 7 + 19 + 7 } });
    expect((await second.read(0, everything)).map(({ text }) => text)).toEqual([
      '{"n":1}',
      '{"text":"größer"}',
      '{"n":3}',
    ]);
    expect([second.counterOf('acme'), second.counterOf('globex')]).toEqual([3, 0]);
  });
});

test('numbers are counted for each instance that uses the spool', async () => {
  const first = await openStore({ instance: 'one' });
  await first.append([entry(1), entry(2)]);
  await close(first);
  const second = await openStore({ instance: 'two' });
  expect([second.id, second.counterOf('acme')]).toEqual([first.id, 0]);
  await second.append([entry(3, '{}', 1)]);
  await close(second);
  expect((await openStore({ instance: 'one' })).counterOf('acme')).toBe(2);
});

test('what was removed is gone; places go on, also when nothing is left', async () => {
  const first = await openStore();
  await first.append([1, 2, 3].map((place) => entry(place)));
  await first.remove(2);
  await close(first);
  const second = await openStore();
  expect(second).toMatchObject({ lastPlace: 3, head: 2, backlog: { events: 1, bytes: 7 } });
  await second.remove(3);
  await second.compact();
  await close(second);
  const third = await openStore();
  expect(third).toMatchObject({ lastPlace: 3, head: 3, backlog: { events: 0, bytes: 0 } });
  await third.append([entry(4)]);
  await close(third);
  expect(await openStore()).toMatchObject({ lastPlace: 4, head: 3, backlog: { events: 1, bytes: 7 } });
});

test('what is held back leaves the row in one write, and is there after it was opened again', async () => {
  const first = await openStore();
  await first.append([1, 2, 3, 4].map((place) => entry(place)));
  const held = (await first.read(0, everything)).filter(({ place }) => place % 2 === 1);
  await first.remove(
    3,
    held.map((one) => ({ ...one, tenantId: 'acme' })),
  );
  await close(first);

  const second = await openStore();
  expect(second).toMatchObject({
    head: 3,
    backlog: { events: 1 },
    held: new Map([['acme', { events: 2, bytes: 14 }]]),
  });
  expect((await second.readHeld('acme', 0, everything)).map(({ place }) => place)).toEqual([1, 3]);
  expect(await second.readHeld('globex', 0, everything)).toEqual([]);
  await second.removeHeld('acme', 1);
  expect((await second.readHeld('acme', 0, everything)).map(({ place }) => place)).toEqual([3]);
  await second.removeHeld('acme', 3);
  await close(second);
  expect((await openStore()).held.size).toBe(0);
});

test('a read keeps both limits, and gives one entry at least', async () => {
  const store = await openStore();
  await store.append([1, 2, 3, 4].map((place) => entry(place)));
  const places = async (after: number, limits: { eventsMax: number; bytesMax: number }) =>
    (await store.read(after, limits)).map(({ place }) => place);
  expect(await places(0, { eventsMax: 2, bytesMax: 1000 })).toEqual([1, 2]);
  expect(await places(0, { eventsMax: 9, bytesMax: 21 })).toEqual([1, 2, 3]);
  expect(await places(0, { eventsMax: 9, bytesMax: 20 })).toEqual([1, 2]);
  expect(await places(1, { eventsMax: 9, bytesMax: 1 })).toEqual([2]);
  expect(await places(4, everything)).toEqual([]);
});

test('a cut log, as a crash leaves it, loses no more than what was being written', async () => {
  const first = await openStore();
  for (let place = 1; place <= 20; place += 1) await first.append([entry(place)]);
  await close(first);
  const folder = join(folderOf(), 'spool');
  const [log = ''] = (await readdir(folder)).filter((name) => name.endsWith('.log'));
  const { size } = await stat(join(folder, log));
  await truncate(join(folder, log), size - 5);
  const texts = (await (await openStore()).read(0, everything)).map(({ text }) => text);
  expect(texts).toEqual(Array.from({ length: 19 }, (_, i) => `{"n":${i + 1}}`));
});

test('a damaged spool is repaired or put aside, loudly, and recording goes on', async () => {
  const first = await openStore();
  await first.append([entry(1)]);
  await close(first);
  const folder = join(folderOf(), 'spool');
  const manifests = (await readdir(folder)).filter((name) => name.startsWith('MANIFEST'));
  for (const name of manifests) await writeFile(join(folder, name), 'not a manifest');
  const told: string[] = [];
  const second = await openStore({ onDamage: (detail) => told.push(detail) });
  expect(told[0]).toContain('damaged');
  await second.append([entry(second.lastPlace + 1)]);
  expect((await second.read(0, everything)).at(-1)?.text).toBe('{"n":' + String(second.lastPlace + 1) + '}');
});
