import { isCount, parseObject } from './stored-json.ts';

/** Where delivery is with a subscription, as far as others than delivery need to know. */
export interface CursorPlace {
  /** Raised only when the owner of the subscription moves the cursor; beats any seq. */
  readonly reset: number;
  readonly seq: number;
}

/** Of a record of the cursors topic under the id of a subscription; undefined for what is no cursor. */
export function parseCursorPlace(bytes: Buffer): CursorPlace | undefined {
  const { reset, seq } = parseObject(bytes) ?? {};
  return isCount(reset) && isCount(seq) ? { reset, seq } : undefined;
}

/** Which of two is the cursor, by (reset, seq): above 0 the first, below 0 the second. An acknowledgement is true whoever wrote it. */
export function comparePlaces(one: CursorPlace, other: CursorPlace): number {
  return one.reset === other.reset ? one.seq - other.seq : one.reset - other.reset;
}
