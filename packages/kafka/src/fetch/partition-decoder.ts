import type { LogRecord } from '@docket/event';

import type { FetchedPart } from './fetched-part.ts';
import { decodeBatch, findBatch, isAbortMarker } from './record-batch-decoder.ts';
import type { DecodedBatch, RecordBatch } from './record-batch-decoder.ts';
import { createVisibility } from './visibility-policy.ts';
import type { AbortedTransaction } from './visibility-policy.ts';

/** What one fetch may still unpack, all partitions together. */
export interface UnpackBudget {
  left: number;
}

/** All batches of a fetch together; the one that exceeds it is the last, so twice as much is the most (I8). Each broker has one fetch. */
export const fetchBytesMax = 64 * 1024 * 1024;
/** What a decoded record takes beside its bytes: an object and two views. */
const recordOverheadBytes = 300;

/** Fetched bytes of one partition. */
export interface FetchedBytes {
  readonly partition: number;
  readonly aborted: readonly AbortedTransaction[];
  readonly recordSet: Buffer;
}

/**
 * Decodes what a fetch brought of one partition, in offset order: up to the end, to an unreadable batch, or to where the budget is
 * spent; kafkajs fetches the rest again. Undefined when that leaves nothing. Never rejects.
 */
export async function decodePart(fetched: FetchedBytes, budget: UnpackBudget): Promise<FetchedPart | undefined> {
  const { partition, recordSet } = fetched;
  const judge = createVisibility(fetched.aborted);
  const shown: LogRecord[][] = [];
  let lastOffset: number | undefined;
  for (let at = 0; budget.left > 0;) {
    const found = findBatch(recordSet, at);
    if (found === undefined) break;
    const decoded = found.ok ? await decodeShown(found.batch, partition, judge) : found;
    if (!found.ok || !decoded.ok) {
      // What came before it is handed on first; the next fetch begins with it.
      if (lastOffset !== undefined || decoded.ok) break;
      return { kind: 'unreadable', batch: decoded.unreadable };
    }
    budget.left -= decoded.bytes + decoded.records.length * recordOverheadBytes;
    if (decoded.records.length > 0) shown.push(decoded.records);
    lastOffset = found.batch.lastOffset;
    at = found.end;
  }
  if (lastOffset === undefined) return undefined;
  const [only = []] = shown;
  return { kind: 'records', records: shown.length > 1 ? shown.flat() : only, lastOffset };
}

const nothing: DecodedBatch = { ok: true, records: [], bytes: 0 };

/** Hidden data is not unpacked: nobody looks at it. */
async function decodeShown(
  batch: RecordBatch,
  partition: number,
  judge: ReturnType<typeof createVisibility>,
): Promise<DecodedBatch> {
  if (!batch.isControl) {
    const isShown = judge({ ...batch, isAbortMarker: false }) === 'shown';
    return isShown ? decodeBatch(batch, partition) : nothing;
  }
  const marker = await decodeBatch(batch, partition);
  if (!marker.ok) return marker;
  judge({ ...batch, isAbortMarker: isAbortMarker(marker.records[0]) });
  return nothing;
}
