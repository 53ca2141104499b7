import type { Batch } from './batch-mapper.ts';
import type { BatchPlace } from '../machine/delivery-state.ts';

/** A batch with what the machine knows of it. */
export interface HeldBatch {
  readonly batch: Batch;
  readonly place: BatchPlace;
}

/**
 * The batches that are being sent, in their order, or the one that waits for its next try, by subscription, so that a retry sends the same bytes. Bounded: beyond `bytesMax` the
 * longest-waiting ones are dropped, and made again from the log for their next try (I8). What is under way is never dropped.
 */
export interface BatchStore {
  put(id: string, held: readonly HeldBatch[]): void;
  get(id: string): readonly HeldBatch[] | undefined;
  /** They are under way (kept at all costs), or wait again. */
  setUnderWay(id: string, isUnderWay: boolean): void;
  delete(id: string): void;
  bytes(): number;
}

export function createBatchStore(bytesMax: number): BatchStore {
  /** In the order in which they began to wait. */
  const waiting = new Map<string, readonly HeldBatch[]>();
  const underWay = new Map<string, readonly HeldBatch[]>();
  let bytes = 0;

  const remove = (id: string): void => {
    const held = waiting.get(id) ?? underWay.get(id);
    if (held !== undefined) bytes -= bytesOf(held);
    waiting.delete(id);
    underWay.delete(id);
  };
  const shrink = (): void => {
    for (const id of waiting.keys()) {
      if (bytes <= bytesMax) return;
      remove(id);
    }
  };

  return {
    put: (id, held) => {
      remove(id);
      underWay.set(id, held);
      bytes += bytesOf(held);
      shrink();
    },
    get: (id) => waiting.get(id) ?? underWay.get(id),
    setUnderWay: (id, isUnderWay) => {
      const [from, to] = isUnderWay ? [waiting, underWay] : [underWay, waiting];
      const held = from.get(id);
      if (held === undefined) return;
      from.delete(id);
      to.set(id, held);
      shrink();
    },
    delete: remove,
    bytes: () => bytes,
  };
}

/** What the bodies of batches take. */
export function bytesOf(held: readonly HeldBatch[]): number {
  return held.reduce((sum, { batch }) => sum + batch.body.length, 0);
}
