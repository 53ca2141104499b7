import { randomBytes } from 'node:crypto';
import { rename } from 'node:fs/promises';
import type { ClassicLevel } from 'classic-level';
import { causeOf, codeOf, reasonOf } from '../error-fields.ts';
import type { BatchLimits, TenantSizes, NewEntry } from './entry.ts';
import {
  afterHeldText,
  afterPlaceText,
  counterKey,
  entriesFrom,
  entriesTo,
  entryKeyText,
  headKey,
  heldFrom,
  heldKeyText,
  heldTo,
  parseEntryKey,
  parseHeldKey,
  spoolIdKey,
} from './spool-key-mapper.ts';

/** What is appended: the text, and the running number of its tenant, which is kept in the same write. */
export type PlacedEntry = NewEntry & { readonly place: number };

/** What is read. */
export interface StoredEntry {
  readonly place: number;
  readonly text: string;
  readonly bytes: number;
}

export type HeldEntry = StoredEntry & { readonly tenantId: string };

/** One spool on disk, held by this process alone (LevelDB locks its folder). */
export interface SpoolStore {
  readonly folder: string;
  /** Made with the spool and kept with it: `source.instance` is unique by it. */
  readonly id: string;
  /** The place of the last event that was ever in it; 0 before the first. */
  readonly lastPlace: number;
  /** What waited when it was opened. */
  readonly backlog: { readonly events: number; readonly bytes: number };
  /** Below the oldest event that waited when it was opened. */
  readonly head: number;
  /** The last running number of a tenant, of this instance; 0 before the first. */
  counterOf(tenantId: string): number;
  /** All of the entries or none, with their running numbers. After a rejection nothing more may be appended: it might be unreadable later. */
  append(entries: readonly PlacedEntry[]): Promise<void>;
  /** The oldest entries behind a place, at least one if there is any, within both limits. */
  read(afterPlace: number, limits: BatchLimits): Promise<StoredEntry[]>;
  /** Removes everything up to a place; of it, `held` is kept in the rows of its tenants, in the same write. */
  remove(toPlace: number, held?: readonly HeldEntry[]): Promise<void>;
  /** What was held back when it was opened. */
  readonly held: TenantSizes;
  /** The oldest events held back of a tenant behind a place, as `read`. */
  readHeld(tenantId: string, afterPlace: number, limits: BatchLimits): Promise<StoredEntry[]>;
  /** Removes what was held back of a tenant, up to a place. */
  removeHeld(tenantId: string, toPlace: number): Promise<void>;
  /** Gives the room of what was removed back to the disk. */
  compact(): Promise<void>;
  close(): Promise<void>;
}

export interface SpoolStoreOptions {
  /** Who counts: a spool that another instance has left goes on with numbers of its own. */
  readonly instance: string;
  readonly isPowerSafe: boolean;
  readonly onDamage: (detail: string) => void;
}

/** Beyond what LevelDB takes by itself: the spool lives inside somebody else's process. */
const memory = { writeBufferSize: 4 * 1024 * 1024, cacheSize: 1024 * 1024 };
/** Removing costs the disk's thread as much for one as for many; so many removed events may still lie there. */
const removedPlacesMax = 500;
/** `read` asks for at most this many, so that the entries of one read fit in memory whatever the limits say. */
const readEventsMax = 1000;

/**
 * Opens the spool of a folder, making it if it is not there. Rejects with `isHeldElsewhere` when another process has it.
 * A damaged one is repaired; what cannot be repaired is moved aside, to `<folder>.damaged-<time>`, and reported.
 */
export async function openSpoolStore(folder: string, options: SpoolStoreOptions): Promise<SpoolStore> {
  // Not at the top: where it cannot be loaded, recording goes on in memory.
  const { ClassicLevel: Level } = await import('classic-level');
  const open = async (): Promise<ClassicLevel> => {
    const database = new Level(folder, memory);
    await database.open();
    return database;
  };
  let database: ClassicLevel;
  try {
    database = await open();
  } catch (error) {
    if (codeOf(causeOf(error)) !== 'LEVEL_CORRUPTION') throw error;
    options.onDamage(`the spool in ${folder} is damaged and is repaired: ${reasonOf(error)}`);
    await Level.repair(folder).catch(() => undefined);
    database = await open().catch(async () => {
      const aside = `${folder}.damaged-${Date.now()}`;
      await rename(folder, aside);
      options.onDamage(`the spool could not be repaired; what it holds is not sent, and is kept in ${aside}`);
      return open();
    });
  }
  try {
    return await readStore(database, folder, options);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Whether another process has the spool, which then lives. */
export function isHeldElsewhere(error: unknown): boolean {
  return codeOf(causeOf(error)) === 'LEVEL_LOCKED';
}

/** Removes a spool that has nothing left to send. */
export async function destroySpoolStore(folder: string): Promise<void> {
  const { ClassicLevel: Level } = await import('classic-level');
  await Level.destroy(folder);
}

async function readStore(
  database: ClassicLevel,
  folder: string,
  { instance, isPowerSafe }: SpoolStoreOptions,
): Promise<SpoolStore> {
  const removedTo = Number((await database.get(headKey)) ?? 0);
  const range = { gt: afterPlaceText(removedTo), lt: entriesTo };
  const [first] = await database.keys({ ...range, limit: 1 }).all();
  const [last] = await database.iterator({ ...range, limit: 1, reverse: true }).all();
  const lastKey = last === undefined ? undefined : parseEntryKey(last[0]);
  const firstKey = first === undefined ? undefined : parseEntryKey(first);
  let nextByte = lastKey === undefined ? 0 : lastKey.startByte + Buffer.byteLength(last?.[1] ?? '');
  let id = await database.get(spoolIdKey);
  if (id === undefined) {
    id = randomBytes(4).toString('hex');
    await database.put(spoolIdKey, id, { sync: true });
  }

  const held = await countHeld(database);
  /** Before it nothing is left but marks of what was removed, which take as long to pass as what they stand for. */
  let clearedTo = 0;
  let removed = removedTo;

  async function clear(): Promise<void> {
    const upTo = removed;
    const gt = clearedTo === 0 ? entriesFrom : afterPlaceText(clearedTo);
    await database.clear({ gt, lt: afterPlaceText(upTo) });
    clearedTo = upTo;
  }

  return {
    folder,
    id,
    lastPlace: lastKey?.place ?? removedTo,
    head: firstKey === undefined ? removedTo : firstKey.place - 1,
    backlog: {
      events: lastKey === undefined || firstKey === undefined ? 0 : lastKey.place - firstKey.place + 1,
      bytes: firstKey === undefined ? 0 : nextByte - firstKey.startByte,
    },
    counterOf: (tenantId) => Number(database.getSync(counterKey(instance, tenantId)) ?? 0),
    async append(entries) {
      // Chained: a third of the price of an array of operations.
      const batch = database.batch();
      const numbers = new Map<string, number>();
      for (const { place, text, bytes, counted } of entries) {
        if (counted !== undefined) numbers.set(counted.tenantId, counted.counter);
        batch.put(entryKeyText({ place, startByte: nextByte }), text);
        nextByte += bytes;
      }
      for (const [tenantId, counter] of numbers) batch.put(counterKey(instance, tenantId), String(counter));
      await batch.write({ sync: isPowerSafe });
    },
    read: (afterPlace, limits) =>
      readRange(database, { gt: afterPlaceText(afterPlace), lt: entriesTo }, limits, (key) => parseEntryKey(key).place),
    async remove(toPlace, moved = []) {
      // First: opening the spool then need not look through what was removed and is still there.
      const batch = database.batch().put(headKey, String(toPlace));
      for (const { tenantId, place, text } of moved) batch.put(heldKeyText(tenantId, place), text);
      await batch.write({ sync: isPowerSafe && moved.length > 0 });
      removed = toPlace;
      // It is removed already: what fails here is tried again with the next.
      if (removed - clearedTo >= removedPlacesMax) await clear().catch(() => undefined);
    },
    held,
    readHeld: (tenantId, afterPlace, limits) => {
      const ofTenant = {
        gt: afterHeldText(tenantId, afterPlace),
        lt: afterHeldText(tenantId, Number.MAX_SAFE_INTEGER),
      };
      return readRange(database, ofTenant, limits, (key) => parseHeldKey(key).place);
    },
    removeHeld: (tenantId, toPlace) =>
      database.clear({ gt: heldKeyText(tenantId, 0), lt: afterHeldText(tenantId, toPlace) }),
    async compact() {
      await clear();
      await database.compactRange(entriesFrom, entriesTo);
    },
    close: () => database.close(),
  };
}

async function readRange(
  database: ClassicLevel,
  range: { readonly gt: string; readonly lt: string },
  limits: BatchLimits,
  placeOf: (key: string) => number,
): Promise<StoredEntry[]> {
  const entries: StoredEntry[] = [];
  const eventsMax = Math.min(limits.eventsMax, readEventsMax);
  // All of it in one turn of the disk's thread; by itself LevelDB gives 16 KiB in each.
  const iterator = database.iterator({ ...range, limit: eventsMax, highWaterMarkBytes: limits.bytesMax });
  let bytes = 0;
  try {
    while (entries.length < eventsMax) {
      const found = await iterator.nextv(eventsMax);
      if (found.length === 0) break;
      for (const [key, text] of found) {
        const entry = { place: placeOf(key), text, bytes: Buffer.byteLength(text) };
        bytes += entry.bytes;
        if (entries.length > 0 && bytes > limits.bytesMax) return entries;
        entries.push(entry);
      }
    }
    return entries;
  } finally {
    await iterator.close();
  }
}

/** One by one: there are such events only where a tenant has sent more than it may. */
async function countHeld(database: ClassicLevel): Promise<TenantSizes> {
  const rows = new Map<string, { events: number; bytes: number }>();
  for await (const [key, text] of database.iterator({ gt: heldFrom, lt: heldTo })) {
    const { tenantId } = parseHeldKey(key);
    const row = rows.get(tenantId) ?? { events: 0, bytes: 0 };
    row.events += 1;
    row.bytes += Buffer.byteLength(text);
    rows.set(tenantId, row);
  }
  return rows;
}
