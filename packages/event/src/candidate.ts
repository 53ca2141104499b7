import { createByteSink, putUuid, type ByteSink } from './columns/byte-sink.ts';
import type { Candidate } from './duplicate-window.ts';

export function createCandidate(): Candidate {
  return { log: 0, id0: 0, id1: 0, id2: 0, id3: 0, content0: 0, content1: 0 };
}

const hash = new BigUint64Array(1);
const hashWords = new Int32Array(hash.buffer);

/** @param contentHash unsigned 64 bits */
export function setContent(candidate: Candidate, contentHash: bigint): void {
  hash[0] = contentHash;
  candidate.content0 = hashWords[0] ?? 0;
  candidate.content1 = hashWords[1] ?? 0;
}

/** The id as a UUID column holds it: 16 bytes from `at` on. */
export function setIdFromColumn(candidate: Candidate, ids: ByteSink, at: number): void {
  candidate.id0 = ids.view.getInt32(at, true);
  candidate.id1 = ids.view.getInt32(at + 4, true);
  candidate.id2 = ids.view.getInt32(at + 8, true);
  candidate.id3 = ids.view.getInt32(at + 12, true);
}

const idBytes = createByteSink();

/** @param id a UUID as text; throws a TypeError on anything else */
export function setIdFromText(candidate: Candidate, id: string): void {
  idBytes.length = 0;
  putUuid(idBytes, id);
  setIdFromColumn(candidate, idBytes, 0);
}
