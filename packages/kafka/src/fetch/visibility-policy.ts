/** A transaction that was aborted within what was fetched, as the broker lists it: in the order of the abort markers. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

/** What decides whether a batch is shown. */
export interface JudgedBatch {
  readonly lastOffset: number;
  readonly producerId: bigint;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  readonly isAbortMarker: boolean;
}

/**
 * What read_committed shows of one fetch (the algorithm of Kafka's Java consumer): a producer's records are hidden from the first
 * offset of its aborted transaction up to the abort marker. MUST be asked for each batch of the fetch, in order.
 */
export function createVisibility(
  abortedTransactions: readonly AbortedTransaction[],
): (batch: JudgedBatch) => 'shown' | 'hidden' {
  const begun = new Set<bigint>();
  // By their beginnings: of two that overlap, the broker names the one first that ended first.
  const coming = abortedTransactions.toSorted((a, b) => Number(a.firstOffset - b.firstOffset));
  return (batch) => {
    for (let [next] = coming; next !== undefined && next.firstOffset <= batch.lastOffset; [next] = coming) {
      begun.add(next.producerId);
      coming.shift();
    }
    if (batch.isControl) {
      if (batch.isAbortMarker) begun.delete(batch.producerId);
      return 'hidden';
    }
    return batch.isTransactional && begun.has(batch.producerId) ? 'hidden' : 'shown';
  };
}
