import { isEventId } from '@docket/event';
import { parseTrailEntry, toldEntry, type TrailEntry } from './trail-entry.ts';

/**
 * Readings of one credential with one question within some minutes. The first is told at once; the others are counted, and
 * told together when the window is over.
 */
export interface TrailWindow {
  /** Of the event that tells the first reading; what is derived from it tells the others. */
  readonly id: string;
  readonly fingerprint: string;
  /** ms since the epoch. */
  readonly openedAtMs: number;
  /** Without its texts once `isTold`. */
  entry: TrailEntry;
  repeats: number;
  /** ms since the epoch: the last reading. */
  lastAtMs: number;
  /** The first reading is in Kafka. */
  isTold: boolean;
}

/** All windows that are not done: open ones, and those whose events are not all in Kafka. */
export interface TrailWindows {
  readonly byId: Map<string, TrailWindow>;
  /** Fingerprint → id, of those that still take repeats. */
  readonly open: Map<string, string>;
}

/** What the spool holds, a line each. All that is known after a crash is what its lines say, in their order. */
export type TrailLine =
  | readonly ['opened', id: string, fingerprint: string, atMs: number, entry: TrailEntry]
  | readonly ['repeated', id: string, atMs: number, count: number]
  | readonly ['told', id: string]
  | readonly ['done', id: string];

export interface NewReading {
  readonly id: string;
  readonly fingerprint: string;
  readonly atMs: number;
  /** Windows that were opened before this (ms since the epoch) take it no more. */
  readonly openedAfterMs: number;
  readonly entry: TrailEntry;
}

export function createTrailWindows(): TrailWindows {
  return { byId: new Map(), open: new Map() };
}

/** The line of a reading: it opens a window, or repeats what an open one tells. */
export function lineOfReading({ byId, open }: TrailWindows, reading: NewReading): TrailLine {
  const { id, fingerprint, atMs, openedAfterMs, entry } = reading;
  const window = byId.get(open.get(fingerprint) ?? '');
  const isRepeat = window !== undefined && window.openedAtMs > openedAfterMs;
  return isRepeat ? ['repeated', window.id, atMs, 1] : ['opened', id, fingerprint, atMs, entry];
}

export function applyLine({ byId, open }: TrailWindows, line: TrailLine): void {
  const [kind, id] = line;
  if (kind === 'opened') {
    const [, , fingerprint, openedAtMs, entry] = line;
    byId.set(id, { id, fingerprint, openedAtMs, entry, repeats: 0, lastAtMs: openedAtMs, isTold: false });
    open.set(fingerprint, id);
    return;
  }
  const window = byId.get(id);
  if (window === undefined) return;
  if (kind === 'repeated') {
    window.repeats += line[3];
    window.lastAtMs = Math.max(window.lastAtMs, line[2]);
  } else if (kind === 'told') {
    window.isTold = true;
    window.entry = toldEntry(window.entry);
  } else {
    byId.delete(id);
    if (open.get(window.fingerprint) === id) open.delete(window.fingerprint);
  }
}

/** Takes back lines of readings that could not be written, given in the order in which they were applied. */
export function revertLines(windows: TrailWindows, lines: readonly TrailLine[]): void {
  for (const line of lines.toReversed()) {
    if (line[0] === 'opened') applyLine(windows, ['done', line[1]]);
    else if (line[0] === 'repeated') {
      const window = windows.byId.get(line[1]);
      if (window !== undefined) window.repeats -= line[3];
    }
  }
}

/** The line that opens a window as it is now. */
export function lineOfWindow({ id, fingerprint, openedAtMs, entry }: TrailWindow): TrailLine {
  return ['opened', id, fingerprint, openedAtMs, entry];
}

/** The shortest lines that give these windows again; closed ones take repeats again, unless they are closed anew. */
export function linesOfWindows({ byId }: TrailWindows): TrailLine[] {
  return [...byId.values()].flatMap((window): TrailLine[] => {
    const { id, repeats, lastAtMs, isTold } = window;
    return [
      lineOfWindow(window),
      ...(repeats > 0 ? [['repeated', id, lastAtMs, repeats] as const] : []),
      ...(isTold ? [['told', id] as const] : []),
    ];
  });
}

/** Windows that have lasted their time take no more repeats: what they tell at their end is then fixed. */
export function closeWindows({ byId, open }: TrailWindows, openedBeforeMs: number): void {
  for (const [fingerprint, id] of open) {
    const window = byId.get(id);
    if (window === undefined || window.openedAtMs <= openedBeforeMs) open.delete(fingerprint);
  }
}

/** What is to be told of a window: its first reading, or the repeats of it. */
export interface TrailTelling {
  readonly window: TrailWindow;
  readonly of: 'first' | 'repeats';
}

/** What can be told now, oldest first, at most `max`; and the windows of which nothing is left to tell. */
export function duePart({ byId, open }: TrailWindows, max: number): { due: TrailTelling[]; done: string[] } {
  const due: TrailTelling[] = [];
  const done: string[] = [];
  for (const window of byId.values()) {
    const isOpen = open.get(window.fingerprint) === window.id;
    if (!window.isTold) due.push({ window, of: 'first' });
    else if (isOpen) continue;
    else if (window.repeats > 0) due.push({ window, of: 'repeats' });
    else done.push(window.id);
    if (due.length >= max) break;
  }
  return { due, done };
}

/** Reads a line of the spool; null for one that was torn by a crash, or is none of ours. */
export function parseTrailLine(text: string): TrailLine | null {
  const parts = partsOf(text);
  if (parts === null) return null;
  const [kind, id, third, fourth, fifth] = parts;
  if (typeof id !== 'string' || !isEventId(id)) return null;
  if (kind === 'told' || kind === 'done') return [kind, id];
  if (kind === 'repeated') return isCount(third) && isCount(fourth) ? [kind, id, third, fourth] : null;
  const entry = parseTrailEntry(fifth);
  if (kind !== 'opened' || typeof third !== 'string' || !isCount(fourth) || entry === null) return null;
  return [kind, id, third, fourth, entry];
}

function partsOf(text: string): readonly unknown[] | null {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
