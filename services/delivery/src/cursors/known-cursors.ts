import { comparePlaces, parseCursorPlace } from '@docket/directory';
import type { CursorPlace } from '@docket/directory';

import { laterCursor, parseCursor } from './cursor-mapper.ts';
import type { Cursor } from './cursor-mapper.ts';

/**
 * The cursors of the topic, by subscription, and those that cannot be read: a later version wrote them, or somebody spoilt them. These are not taken for
 * none: who has one would be sent its whole log again, and what it says would be overwritten.
 */
export interface KnownCursors {
  get(id: string): Cursor | undefined;
  /** Takes in a record of the topic. False: it cannot be read. */
  read(id: string, bytes: Buffer): boolean;
  /** Takes in what is known here. */
  put(id: string, cursor: Cursor): void;
  /** How far an unreadable cursor is, that nothing readable has reached; undefined: none is in the way. */
  unreadable(id: string): CursorPlace | undefined;
  /** I8 */
  unreadableCount(): number;
  delete(id: string): void;
}

/** Of what does not even say its place: any cursor is as far. */
const nowhere: CursorPlace = { reset: 0, seq: 0 };

export function createKnownCursors(): KnownCursors {
  const cursors = new Map<string, Cursor>();
  const unreadable = new Map<string, CursorPlace>();

  const take = (id: string, cursor: Cursor): void => {
    cursors.set(id, laterCursor(cursors.get(id), cursor));
    const place = unreadable.get(id);
    if (place !== undefined && comparePlaces(cursor, place) >= 0) unreadable.delete(id);
  };

  /** What is known and farther is true whatever comes. */
  const isInTheWay = (id: string, place: CursorPlace): boolean => {
    const known = unreadable.get(id) ?? cursors.get(id);
    return known === undefined || comparePlaces(known, place) < 0;
  };

  return {
    get: (id) => cursors.get(id),
    read: (id, bytes) => {
      const cursor = parseCursor(bytes);
      if (cursor !== undefined) take(id, cursor);
      else {
        const place = parseCursorPlace(bytes) ?? nowhere;
        if (isInTheWay(id, place)) unreadable.set(id, place);
      }
      return cursor !== undefined;
    },
    put: take,
    unreadable: (id) => unreadable.get(id),
    unreadableCount: () => unreadable.size,
    delete: (id) => {
      cursors.delete(id);
      unreadable.delete(id);
    },
  };
}
