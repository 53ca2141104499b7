import { isCount, parseObject } from './stored-json.ts';

/**
 * An event that a receiver refuses while it takes those around it: it was passed, is kept in the list of its subscription, and is sent again when somebody
 * asks. Lives in the topic of the cursors, under a key of its own; the event itself is in the log.
 */
export interface ParkedEvent {
  readonly seq: number;
  /** Name of the refusal, such as status_400. */
  readonly error: string;
  /** The beginning of the receiver's last answer. */
  readonly answerExcerpt: string;
  /** ms since the epoch. */
  readonly parkedAtMs: number;
  /** How often it was asked to be sent again, and how many of these asks the receiver has refused. */
  readonly asks: number;
  readonly refused: number;
  /** Its owner does without it: delivery takes it off the list. Absent: no. */
  readonly isDismissed?: true;
}

/** I8: what one subscription may have parked. Beyond it nothing is passed any more, and its owner has to act. */
export const parkedMax = 1_000;

export function isAskedFor(parked: ParkedEvent): boolean {
  return parked.isDismissed !== true && parked.asks > parked.refused;
}

/** Both may be written at once, by admin and by delivery: neither's count is lost, nor that it was dismissed. */
export function mergedParked(known: ParkedEvent | undefined, other: ParkedEvent): ParkedEvent {
  if (known === undefined) return other;
  const newer = other.refused >= known.refused ? other : known;
  return {
    ...newer,
    asks: Math.max(known.asks, other.asks),
    refused: Math.max(known.refused, other.refused),
    ...(known.isDismissed === true || other.isDismissed === true ? { isDismissed: true } : {}),
  };
}

/** Ids of subscriptions have no slash. */
export function parkedKey(subscriptionId: string, seq: number): string {
  return `${subscriptionId}/parked/${seq}`;
}

/** Undefined for the key of a cursor. */
export function parseParkedKey(key: string): { readonly subscriptionId: string; readonly seq: number } | undefined {
  const [, subscriptionId, seq] = /^([A-Za-z0-9_-]{1,64})\/parked\/([1-9]\d{0,15})$/.exec(key) ?? [];
  return subscriptionId === undefined ? undefined : { subscriptionId, seq: Number(seq) };
}

export function parkedBytes(parked: ParkedEvent): Buffer {
  return Buffer.from(
    JSON.stringify({
      version: 1,
      seq: parked.seq,
      error: parked.error,
      answer_excerpt: parked.answerExcerpt,
      parked_at: new Date(parked.parkedAtMs).toISOString(),
      asks: parked.asks,
      refused: parked.refused,
      ...(parked.isDismissed === true ? { dismissed: true } : {}),
    }),
  );
}

/** Undefined for what is no parked event. Members that a later version added are ignored. */
export function parseParked(bytes: Buffer): ParkedEvent | undefined {
  const value = parseObject(bytes);
  if (value === undefined || value['version'] !== 1) return undefined;
  const { seq, error, answer_excerpt: answerExcerpt, parked_at: parkedAt, asks, refused, dismissed } = value;
  const parkedAtMs = typeof parkedAt === 'string' ? Date.parse(parkedAt) : Number.NaN;
  if (!isCount(seq) || !isCount(asks) || !isCount(refused) || Number.isNaN(parkedAtMs)) return undefined;
  const parked = { seq, error: textOf(error), answerExcerpt: textOf(answerExcerpt), parkedAtMs, asks, refused };
  return dismissed === true ? { ...parked, isDismissed: true } : parked;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
