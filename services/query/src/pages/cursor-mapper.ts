import { createHash } from 'node:crypto';
import { isEventId, nilId, printSearch, type ScopedSearch } from '@docket/event';

/** The last row of a page: pages go on behind it, newest first. */
export interface PagePosition {
  /** µs since the epoch. */
  readonly occurredAt: number;
  readonly id: string;
  readonly seq: number;
}

export interface PageCursor {
  /** Of the search that the cursor belongs to. */
  readonly fingerprint: string;
  /** µs since the epoch: what relative times of the first page counted from, and those of all pages do. */
  readonly nowMicros: number;
  readonly position: PagePosition;
}

/** The layout of the parts below; another one is another program's. */
const cursorVersion = 2;

/** The plain form of a cursor; callers get it sealed. */
export function encodeCursor({ fingerprint, nowMicros, position }: PageCursor): Buffer {
  const { occurredAt, id, seq } = position;
  return Buffer.from(JSON.stringify([cursorVersion, fingerprint, nowMicros, occurredAt, id, seq]));
}

/** Null: the cursor is not one of ours. */
export function decodeCursor(bytes: Buffer): PageCursor | null {
  const [version, fingerprint, nowMicros, occurredAt, id, seq, ...others] = parseParts(bytes);
  if (version !== cursorVersion || others.length > 0 || typeof fingerprint !== 'string') return null;
  if (!isInteger(nowMicros) || !isInteger(occurredAt) || !isInteger(seq) || seq < 0) return null;
  if (typeof id !== 'string' || !(isEventId(id) || id === nilId)) return null;
  return { fingerprint, nowMicros, position: { occurredAt, id, seq } };
}

/** Names a search and its scope, so that a cursor of another one is told apart. */
export function fingerprintOf({ tenantId, search, ownActions }: ScopedSearch): string {
  return nameOf([tenantId, printSearch(search), ownActions === null ? null : printSearch(ownActions)]);
}

/** The same for all searches of a log that differ by their values only: each actor's events are such a kind. */
export function kindOf({ tenantId, search }: ScopedSearch): string {
  return nameOf([tenantId, JSON.stringify(search, (key, value: unknown) => (searchValues.has(key) ? null : value))]);
}

/** The members of a Search that hold what a caller compares with. */
const searchValues: ReadonlySet<string> = new Set(['values', 'text', 'tokens', 'from', 'before']);

function nameOf(parts: readonly (string | null)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 12);
}

function isInteger(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value);
}

function parseParts(bytes: Buffer): unknown[] {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
