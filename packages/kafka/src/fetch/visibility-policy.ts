import type { FetchedRecord, RecordBatch } from './record-batch-decoder.ts';

/** A transaction that was aborted within what was fetched, as the broker lists it: in the order of the abort markers. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

/** A record, and whether a read_committed consumer may see it. */
export interface JudgedRecord extends FetchedRecord {
  /**
   * A marker, a record of an aborted transaction, or the place of records that compaction took. By this name kafkajs keeps a record from
   * the handler and still counts its offset.
   */
  readonly isControlRecord: boolean;
}

/**
 * What read_committed shows of one fetch (the algorithm of Kafka's Java consumer): a producer's records are hidden from the first
 * offset of its aborted transaction up to the abort marker. A batch whose end compaction has emptied is ended by a hidden
 * record, so that the position passes it.
 */
export function judgeVisibility(
  batches: readonly RecordBatch[],
  abortedTransactions: readonly AbortedTransaction[],
): JudgedRecord[] {
  const begun = new Set<bigint>();
  // By their beginnings: of two that overlap, the broker names the one first that ended first.
  const coming = abortedTransactions.toSorted((a, b) => Number(a.firstOffset - b.firstOffset));
  const judged: JudgedRecord[] = [];
  for (const batch of batches) {
    for (let [next] = coming; next !== undefined && next.firstOffset <= batch.lastOffset; [next] = coming) {
      begun.add(next.producerId);
      coming.shift();
    }
    if (isAbortMarker(batch)) begun.delete(batch.producerId);
    const isHidden = batch.isControl || (batch.isTransactional && begun.has(batch.producerId));
    for (const { offset, timestamp, key, value, headers } of batch.records) {
      judged.push({ offset, timestamp, key, value, headers, isControlRecord: isHidden });
    }
    const lastOffset = String(batch.lastOffset);
    if (batch.records.at(-1)?.offset !== lastOffset)
      judged.push({ ...nothing, offset: lastOffset, isControlRecord: true });
  }
  return judged;
}

const nothing: FetchedRecord = { offset: '', timestamp: '0', key: null, value: null, headers: {} };

/** A control record's key is its version and its type, of 16 bits each; type 0 aborts. */
function isAbortMarker(batch: RecordBatch): boolean {
  const key = batch.isControl ? batch.records[0]?.key : undefined;
  return key !== undefined && key !== null && key.length >= 4 && key.readInt16BE(2) === 0;
}
