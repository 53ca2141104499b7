import { createBudget, DocketError, type BudgetRefusal } from '@docket/runtime';
import type { QueryMetrics } from '../metrics.ts';
import type { PlaceHolder } from '../gate/places.ts';

/**
 * More than the largest event as ClickHouse writes it, 256 KiB of which every character is escaped, and than a record of 1 MiB in base64. Every
 * tenant and key may have so many bytes, whatever others have.
 */
export const rowBytesMax = 2 * 1024 * 1024;
/** Of a page; a thousand usual events have 0.9 MB. */
export const pageBytesMax = 8 * 1024 * 1024;

/** The bytes of an answer as ClickHouse writes its rows, held from then until it is sent: until then they are in memory in one form or another. */
export interface AnswerBytes {
  /** Whether there is room for the next bytes, behind a whole row or none yet; where there is none, there is none for those behind them. */
  readonly takes: (bytes: number, hasRow: boolean) => boolean;
  /** Bytes were refused: there are more rows than were taken. */
  isCut(): boolean;
  /** They were refused because the answer has all that it may have. */
  isFull(): boolean;
  held(): number;
  /** Throws `overloaded` or `rate_limited` where bytes were refused for those of other answers. */
  requireRoom(): void;
  /** Safe to call twice. */
  readonly release: () => void;
}

export interface AnswerBudget {
  /** Of an answer of so many bytes at most; null: of a single row, whatever it has. They are released when `signal` aborts. */
  open(holder: PlaceHolder, signal: AbortSignal, bytesMax: number | null): AnswerBytes;
}

/** Of its share a page that has a row leaves so much to the first rows of the others of its tenant and key. */
const sparePart = 0.5;

/**
 * Bounds what all answers under way hold together (I8): one tenant, and one key, has at most half of what the others leave (I7). Where there is no room for
 * more of a page it ends early.
 */
export function createAnswerBudget(
  limitBytes: number,
  metrics: Pick<QueryMetrics, 'answerBytes' | 'readsRefused'>,
): AnswerBudget {
  const budget = createBudget(limitBytes, rowBytesMax);
  return {
    open({ tenantId, keyId }, signal, bytesMax) {
      signal.throwIfAborted();
      const taken = budget.take([`tenant ${tenantId}`, `key ${keyId}`], 0);
      const lease = taken.ok ? taken.lease : null;
      let refusal: BudgetRefusal | 'page' | undefined = taken.ok ? undefined : taken.reason;
      let [held, isOver] = [0, false];

      const refusalOf = (bytes: number, hasRow: boolean): typeof refusal => {
        if (bytesMax !== null && held + bytes > bytesMax) return 'page';
        return lease?.grow(bytes, hasRow ? sparePart : 0);
      };
      const release = (): void => {
        isOver = true;
        lease?.release();
        metrics.answerBytes.set(budget.used());
        signal.removeEventListener('abort', release);
      };
      signal.addEventListener('abort', release, { once: true });

      return {
        takes(bytes, hasRow) {
          if (isOver) return false;
          refusal ??= refusalOf(bytes, hasRow);
          if (refusal === undefined) held += bytes;
          metrics.answerBytes.set(budget.used());
          return refusal === undefined;
        },
        isCut: () => refusal !== undefined,
        isFull: () => refusal === 'page',
        held: () => held,
        requireRoom() {
          if (refusal === undefined || refusal === 'page') return;
          metrics.readsRefused.inc({ limit: 'bytes' });
          if (refusal === 'all_taken') throw new DocketError('overloaded', 'Too many bytes of answers are under way.');
          throw new DocketError('rate_limited', 'Too many bytes of answers of this tenant or key are under way.');
        },
        release,
      };
    },
  };
}
