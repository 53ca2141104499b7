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

/** The greater of two by (reset, seq): an acknowledgement is true whoever wrote it. */
export function laterPlace(known: CursorPlace | undefined, other: CursorPlace): CursorPlace {
  if (known === undefined || other.reset > known.reset) return other;
  return other.reset === known.reset && other.seq > known.seq ? other : known;
}
