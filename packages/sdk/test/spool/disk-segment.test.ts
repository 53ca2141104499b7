import { afterEach, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { createDiskSegment } from '../../src/spool/disk-segment.ts';
import { openSpoolStore, type SpoolStore } from '../../src/spool/spool-store.ts';
import { useTemporaryFolder } from './temporary-folder.ts';

const folderOf = useTemporaryFolder();
let store: SpoolStore;
afterEach(() => store.close());

/** A segment on a real store, and how often that was read. */
async function openSegment() {
  store = await openSpoolStore(join(folderOf(), 'spool'), {
    instance: 'host',
    isPowerSafe: false,
    onDamage: () => undefined,
  });
  let reads = 0;
  const watched: SpoolStore = {
    ...store,
    read(...asked) {
      reads += 1;
      return store.read(...asked);
    },
  };
  const segment = createDiskSegment(watched, (fault, error) => {
    throw new Error(fault, { cause: error });
  });
  let last = 0;
  const append = (count: number, chars: number): Promise<void> =>
    segment.append(
      Array.from({ length: count }, () => {
        const text = `{"n":${(last += 1)},"text":"${'x'.repeat(chars)}"}`;
        return { text, bytes: Buffer.byteLength(text), onSettled: undefined, counted: undefined };
      }),
    );
  /** Takes the oldest, as a sender does, and gives their places. */
  const take = async (eventsMax: number): Promise<number[]> => {
    const entries = await segment.peek({ eventsMax, bytesMax: 10_000_000 });
    await segment.drop(entries);
    for (const { text, place } of entries) expect(text).toContain(`{"n":${place},`);
    return entries.map(({ place }) => place);
  };
  return { segment, append, take, reads: () => reads };
}

test('what was just written is not read again', async () => {
  const { segment, append, take, reads } = await openSegment();
  await append(3, 10);
  expect(await take(2)).toEqual([1, 2]);
  await append(2, 10);
  expect(await take(10)).toEqual([3, 4, 5]);
  expect([segment.size(), reads()]).toEqual([{ events: 0, bytes: 0 }, 0]);
});

test('I8: what is more than a mebibyte is read, in its order and once, and what comes when that is sent is not', async () => {
  const { append, take, reads } = await openSegment();
  const places: number[] = [];
  await append(2, 300_000);
  await append(4, 300_000);
  while (places.length < 6) places.push(...(await take(1)));
  expect(places).toEqual([1, 2, 3, 4, 5, 6]);
  expect(reads()).toBe(4);
  await append(1, 300_000);
  expect([await take(1), reads()]).toEqual([[7], 4]);
});
