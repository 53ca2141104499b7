import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@docket/runtime';
import { openSpoolFile, type SpoolFile } from './spool-file.ts';
import { ownName, stateOfOwner } from './spool-owner.ts';
import { createTrailShares } from './trail-shares.ts';
import {
  applyLine,
  closeWindows,
  createTrailWindows,
  lineOfReading,
  linesOfWindows,
  parseTrailLine,
  revertLines,
  type NewReading,
  type TrailLine,
  type TrailWindows,
} from './trail-windows.ts';

/** The file is written anew when it has more about what is done than about what is not, and this much. */
const rewriteBytesMin = 256 * 1024;
/** When it is full, this part of its limit is enough. With what `TrailShares` gives away that leaves room for lines about repeats. */
const deadPartMax = 1 / 16;

export interface SpoolSettings {
  /** Shared by the instances of a host: each has a folder of its own in it. */
  readonly dir: string;
  readonly bytesMax: number;
  readonly isDurable: boolean;
}

/** The readings that are not all told yet: in memory, and on disk for the time after a crash. */
export interface TrailSpool {
  readonly windows: TrailWindows;
  /**
   * Resolves when the reading is on disk. Rejects, and forgets it, when the spool is full, its tenant or key has its share of it
   * (SpoolShareError), or the disk fails.
   */
  keep(reading: NewReading): Promise<void>;
  /** Notes what has been told. Needs no room: when it is lost, what it says is done again, and harmless. */
  note(lines: readonly TrailLine[]): Promise<void>;
  bytes(): number;
  /** Waits for what is being written. An empty spool leaves nothing behind. */
  close(): Promise<void>;
}

export class SpoolFullError extends Error {
  override readonly name = 'SpoolFullError';
}

export class SpoolShareError extends Error {
  override readonly name = 'SpoolShareError';
}

interface Waiting {
  readonly reading: NewReading;
  /** Of its line when it opens a window; that of a repeat is shorter. */
  readonly lineBytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Opens the spool of this process, with all that processes of this host have left behind when they ended: a folder is taken
 * over by being renamed, which only one can. Rejects when the folder cannot be written.
 */
export async function openTrailSpool(settings: SpoolSettings, logger: Logger): Promise<TrailSpool> {
  const { dir, isDurable } = settings;
  const folder = join(dir, `${ownName()}_0`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { file, lines } = await openSpoolFile(join(folder, 'trail'), { isDurable });
  const windows = createTrailWindows();
  readLines(windows, lines, logger);
  const leftovers = await takeLeftovers(dir, logger);
  for (const { lines: left } of leftovers) readLines(windows, left, logger);
  // Whatever was open belongs to a process that is gone.
  closeWindows(windows, Infinity);
  if (leftovers.length > 0) {
    await file.replace(textOf(linesOfWindows(windows)));
    for (const { path } of leftovers) await rm(path, { recursive: true });
    logger.info({ spools: leftovers.length, readings: windows.byId.size }, 'trail.taken_over');
  }
  return createSpool(settings, windows, file, folder);
}

function createSpool({ bytesMax }: SpoolSettings, windows: TrailWindows, file: SpoolFile, folder: string): TrailSpool {
  const waiting: Waiting[] = [];
  let noted: TrailLine[] = [];
  const shares = createTrailShares(bytesMax);
  for (const window of windows.byId.values()) shares.hold(window);
  let writing: Promise<void> | undefined;

  async function rewriteWhenGrown(): Promise<void> {
    const neededBytes = waiting.reduce((sum, { lineBytes }) => sum + lineBytes, 0);
    const deadBytes = file.bytes() - shares.usedBytes();
    const isFull = file.bytes() + neededBytes > bytesMax;
    const isGrown = deadBytes > Math.max(rewriteBytesMin, shares.usedBytes());
    if (isGrown || (isFull && deadBytes > bytesMax * deadPartMax)) await file.replace(textOf(linesOfWindows(windows)));
  }

  const fullError = (): SpoolFullError =>
    new SpoolFullError(`${file.bytes()} bytes of readings wait for Kafka; the limit is ${bytesMax}`);

  /** The line of a reading that has room. Throws SpoolShareError, SpoolFullError. */
  function admit({ reading, lineBytes }: Waiting): TrailLine {
    const line = lineOfReading(windows, reading);
    const refusal = line[0] === 'opened' ? shares.take(reading.id, reading.entry, lineBytes) : undefined;
    if (refusal === 'share_taken')
      throw new SpoolShareError('readings of one tenant or key have its share of the spool');
    if (refusal === 'all_taken') throw fullError();
    applyLine(windows, line);
    return line;
  }

  /** All readings that wait and have room, in one write: they are on disk, or none of them is. */
  async function writeReadings(): Promise<void> {
    const batch: Waiting[] = [];
    const applied: TrailLine[] = [];
    for (const each of waiting.splice(0)) {
      try {
        applied.push(admit(each));
        batch.push(each);
      } catch (error) {
        each.reject(error);
      }
    }
    if (applied.length === 0) return;
    try {
      const text = textOf(applied);
      if (file.bytes() + Buffer.byteLength(text) > bytesMax) throw fullError();
      await file.append(text);
      for (const { resolve } of batch) resolve();
    } catch (error) {
      revertLines(windows, applied);
      for (const [kind, id] of applied) if (kind === 'opened') shares.release(id);
      for (const { reject } of batch) reject(error);
    }
  }

  function applyNote(line: TrailLine): void {
    applyLine(windows, line);
    const window = windows.byId.get(line[1]);
    if (window === undefined) shares.release(line[1]);
    else shares.shrink(window);
  }

  async function write(): Promise<void> {
    // What comes in the same turn goes into the same write.
    await Promise.resolve();
    while (waiting.length > 0 || noted.length > 0) {
      const notes = noted;
      noted = [];
      if (notes.length > 0) {
        for (const line of notes) applyNote(line);
        await file.append(textOf(notes)).catch(() => undefined);
      }
      // Before the readings: what they add must be on disk when they are answered, in whichever file.
      await rewriteWhenGrown().catch(() => undefined);
      if (waiting.length > 0) await writeReadings();
    }
    // In the same turn as the last look: whatever comes later begins anew.
    writing = undefined;
  }

  function writeSoon(): Promise<void> {
    writing ??= write();
    return writing;
  }

  return {
    windows,
    keep: (reading) =>
      new Promise<void>((resolve, reject) => {
        waiting.push({ reading, lineBytes: lineBytesOf(reading), resolve, reject });
        void writeSoon();
      }),
    note(lines) {
      noted.push(...lines);
      return writeSoon();
    },
    bytes: () => file.bytes(),
    async close() {
      await writing;
      await file.close();
      if (windows.byId.size === 0) await rm(folder, { recursive: true });
    },
  };
}

function lineBytesOf({ id, fingerprint, atMs, entry }: NewReading): number {
  return Buffer.byteLength(textOf([['opened', id, fingerprint, atMs, entry]]));
}

function textOf(lines: readonly TrailLine[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

function readLines(windows: TrailWindows, lines: readonly string[], logger: Logger): void {
  let unreadable = 0;
  for (const text of lines) {
    const line = parseTrailLine(text);
    if (line === null) unreadable += 1;
    else applyLine(windows, line);
  }
  if (unreadable > 0) logger.error({ lines: unreadable }, 'trail.unreadable_lines');
}

/** The spools of this host's dead processes, under our name from now on. */
async function takeLeftovers(dir: string, logger: Logger): Promise<{ path: string; lines: string[] }[]> {
  const taken: { path: string; lines: string[] }[] = [];
  for (const name of (await readdir(dir)).toSorted()) {
    const state = stateOfOwner(name);
    if (state === 'elsewhere') logger.warn({ folder: name }, 'trail.spool_of_another_host');
    if (state !== 'dead') continue;
    const path = join(dir, `${ownName()}_${taken.length + 1}`);
    try {
      await rename(join(dir, name), path);
    } catch {
      // Another instance, which started at the same time, was first.
      continue;
    }
    const { file, lines } = await openSpoolFile(join(path, 'trail'), { isDurable: false });
    await file.close();
    taken.push({ path, lines });
  }
  return taken;
}
