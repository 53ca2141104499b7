import { decodeCursor, encodeCursor, type PageCursor } from './cursor-mapper.ts';
import { createSeal } from '../tokens/seal.ts';
import type { TokenKey } from '../tokens/token-keys.ts';

export interface CursorSeal {
  seal(cursor: PageCursor): string;
  /** Null: the cursor is not one of ours, or older than the keys. */
  open(text: string): PageCursor | null;
}

/**
 * Cursors as callers get them: nobody reads in one what the view hides (a seq), and nobody makes one up. They still give no
 * access, because every page is scoped anew. The first key seals, each of them opens.
 */
export function createCursorSeal(keys: readonly [TokenKey, ...TokenKey[]]): CursorSeal {
  const seal = createSeal(keys.map(({ id, sealing: bytes }) => ({ id, bytes })));
  return {
    seal: (cursor) => seal.seal(encodeCursor(cursor)),
    open(text) {
      const bytes = seal.open(text);
      return bytes === null ? null : decodeCursor(bytes);
    },
  };
}
