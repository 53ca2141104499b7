import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readlink, realpath, rm, stat, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { codeOf, reasonOf } from '../error-fields.ts';
import { destroySpoolStore, isHeldElsewhere, openSpoolStore, type SpoolStore } from './spool-store.ts';

/**
 * A folder of spools, one for each process that records at the same time: `<dir>/<service>-<destination>/<slot>`. A
 * process takes the first slot that nobody holds, behind what a predecessor left in it, and looks for other slots whose
 * process is gone. The lock is LevelDB's own, on a file: the kernel gives it up with the process, also after SIGKILL,
 * and it holds between containers that share the folder.
 */
export interface Slots {
  /** The spool of this process. A slot that cannot be opened is passed over; rejects when the folder cannot be used. */
  own(): Promise<SpoolStore>;
  /**
   * The spools, oldest slot first, whose processes are gone and that have something to send; they are held by this process now. One that cannot be opened
   * is told of once, until it can.
   */
  abandoned(): Promise<SpoolStore[]>;
  /** Lets others have it. `isUnread`: it holds what could not be read, and is not given to this process again as its own, which would put more behind that. */
  release(store: SpoolStore, isUnread?: boolean): Promise<void>;
  /** Removes a spool that failed and has nothing left to send, which makes room on a full disk. */
  destroy(store: SpoolStore): Promise<void>;
  /** Whether the disk is likely to take so much: a file system without room refuses the first write as well as the next. */
  hasRoom(bytes: number): Promise<boolean>;
}

export interface SlotsOptions {
  readonly dir: string;
  readonly service: string;
  readonly instance: string;
  /** Where the events go. What was recorded for one gateway is never sent to another. */
  readonly destination: string;
  readonly isPowerSafe: boolean;
  readonly onDamage: (detail: string) => void;
}

/** More processes than this on one folder record in memory, with a warning. */
const slotsMax = 1024;
/** With so many that cannot be opened the fault is not theirs: the disk is full, or gives nothing. */
const badSlotsMax = 4;

export function createSlots(options: SlotsOptions): Slots {
  const destination = createHash('sha256').update(options.destination).digest('hex').slice(0, 8);
  const service = options.service.replaceAll(/[^A-Za-z0-9_.-]/g, '_').slice(0, 64);
  const givenDir = resolve(options.dir, `${service}-${destination}`);

  async function tryOpen(folder: string): Promise<SpoolStore | undefined> {
    if (!(await claim(folder))) return undefined;
    try {
      return await openSpoolStore(folder, options);
    } catch (error) {
      heldFolders.delete(folder);
      if (isHeldElsewhere(error)) return undefined;
      throw error;
    } finally {
      await rm(claimOf(folder), { force: true }).catch(() => undefined);
    }
  }

  /** Empty spools, and when their folder was last changed: opening one changes it, so an unchanged one is still empty. */
  const emptySinceMs = new Map<string, number>();

  /** Folders of spools that could not be read the last time. */
  const unread = new Set<string>();
  /** Folders that could not be opened the last time. */
  const bad = new Set<string>();

  function tellOnce(folder: string, error: unknown): void {
    // Another process has removed it meanwhile.
    if (bad.has(folder) || codeOf(error) === 'ENOENT') return;
    bad.add(folder);
    options.onDamage(`the spool in ${folder} cannot be opened, and what it holds is not sent: ${reasonOf(error)}`);
  }

  /** The spool of a slot, if nobody holds it and it has something to send. */
  async function tryAdopt(folder: string): Promise<SpoolStore | undefined> {
    if ((await stat(folder)).mtimeMs === emptySinceMs.get(folder)) return undefined;
    const store = await tryOpen(folder);
    bad.delete(folder);
    if (store === undefined || store.backlog.events > 0 || store.held.size > 0) return store;
    await release(store);
    emptySinceMs.set(folder, (await stat(folder)).mtimeMs);
    return undefined;
  }

  async function release(store: SpoolStore, isUnread = false): Promise<void> {
    if (isUnread) unread.add(store.folder);
    else unread.delete(store.folder);
    await store.close();
    heldFolders.delete(store.folder);
  }

  return {
    async own() {
      // Events are personal data: nobody else on the host may read them.
      await mkdir(givenDir, { recursive: true, mode: 0o700 });
      const dir = await realpath(givenDir);
      let badSlots = 0;
      for (let slot = 0; slot < slotsMax; slot += 1) {
        const folder = join(dir, String(slot));
        if (unread.has(folder)) continue;
        try {
          const store = await tryOpen(folder);
          if (store !== undefined) return store;
        } catch (error) {
          badSlots += 1;
          if (badSlots === badSlotsMax) throw error;
        }
      }
      throw new Error(`${slotsMax} processes record into ${givenDir} already`);
    },
    async abandoned() {
      const dir = await realpath(givenDir);
      const names = (await readdir(dir)).filter((name) => /^\d+$/.test(name));
      const found: SpoolStore[] = [];
      for (const name of names.toSorted((a, b) => Number(a) - Number(b))) {
        const folder = join(dir, name);
        try {
          const store = await tryAdopt(folder);
          if (store !== undefined) found.push(store);
        } catch (error) {
          tellOnce(folder, error);
        }
      }
      return found;
    },
    release,
    async destroy(store) {
      await release(store);
      await destroySpoolStore(store.folder);
    },
    async hasRoom(bytes) {
      const { bavail, bsize } = await statfs(givenDir);
      return bavail * bsize >= bytes;
    },
  };
}

/** Of every recorder in this thread, whether it was loaded as an ES module or as CommonJS. */
const heldFolders = heldInThisThread();

function heldInThisThread(): Set<string> {
  const name = Symbol.for('@docket/sdk/held-spools');
  const known: unknown = Reflect.get(globalThis, name);
  if (known instanceof Set) return known;
  const folders = new Set<string>();
  Reflect.set(globalThis, name, folders);
  return folders;
}

/** Opening a spool takes milliseconds; a claim that is older is that of a process that died over it. */
const claimAgeMsMax = 60_000;
const claimOf = (folder: string): string => `${folder}.claim-${process.pid}`;

/**
 * Whether this thread may try to open the spool. To try again what this process holds would end the hold: POSIX gives up
 * a process's locks on a file with the first of its descriptors that is closed. Between the threads of a process the
 * claim decides, between processes the lock.
 */
async function claim(folder: string): Promise<boolean> {
  if (heldFolders.has(folder)) return false;
  const file = claimOf(folder);
  try {
    await (await open(file, 'wx')).close();
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > claimAgeMsMax) await rm(file, { force: true });
    return false;
  }
  if (await isOpenInThisProcess(join(folder, 'LOCK'))) {
    await rm(file, { force: true });
    return false;
  }
  heldFolders.add(folder);
  return true;
}

/** Linux tells; elsewhere only the threads of one process that share a folder are not kept apart. */
async function isOpenInThisProcess(file: string): Promise<boolean> {
  const descriptors = await readdir('/proc/self/fd').catch(() => []);
  const files = await Promise.all(descriptors.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
  return files.includes(file);
}
