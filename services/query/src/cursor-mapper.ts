import { createHash } from 'node:crypto';
import { isEventId } from '@docket/event';
import type { EventFilter } from './event-filter.ts';

/** The last row of a page: pages go on behind it, newest first. */
export interface PagePosition {
  /** µs since the epoch. */
  readonly occurredAt: number;
  readonly id: string;
  readonly seq: number;
}

/** Short and without meaning to anybody else; it gives no access, because every page is scoped anew. */
export function encodeCursor(position: PagePosition, fingerprint: string): string {
  return Buffer.from(JSON.stringify([1, fingerprint, position.occurredAt, position.id, position.seq])).toString(
    'base64url',
  );
}

export type DecodedCursor =
  { readonly ok: true; readonly position: PagePosition } | { readonly ok: false; readonly detail: string };

export function decodeCursor(text: string, fingerprint: string): DecodedCursor {
  const parts = parseParts(text);
  const [version, made, occurredAt, id, seq, ...others] = parts;
  const isWhole =
    version === 1 &&
    typeof made === 'string' &&
    typeof occurredAt === 'number' &&
    Number.isSafeInteger(occurredAt) &&
    typeof id === 'string' &&
    (isEventId(id) || id === '00000000-0000-0000-0000-000000000000') &&
    typeof seq === 'number' &&
    Number.isSafeInteger(seq) &&
    seq >= 0 &&
    others.length === 0;
  if (!isWhole) return { ok: false, detail: 'The cursor is not one of ours.' };
  if (made !== fingerprint) return { ok: false, detail: 'The cursor belongs to a search with other filters.' };
  return { ok: true, position: { occurredAt, id, seq } };
}

/** Names a search, so that a cursor of another one is told apart. */
export function fingerprintOf(tenantId: string, filter: EventFilter): string {
  const { statuses, since, until, conditions } = filter;
  return createHash('sha256')
    .update(JSON.stringify([tenantId, statuses, since, until, conditions]))
    .digest('base64url')
    .slice(0, 12);
}

function parseParts(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
