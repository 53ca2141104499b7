import { createHash } from 'node:crypto';

const newline = 0x0a;

/** Counts and digests the bytes of an export on their way. */
export interface ExportBytes {
  add(bytes: Uint8Array): void;
  readonly bytes: number;
  /** Line feeds: of NDJSON the events. */
  readonly lines: number;
  /** SHA-256 in hex of all that was added. Call once, at the end. */
  sha256(): string;
}

export function createExportBytes(): ExportBytes {
  const hash = createHash('sha256');
  let [total, lines] = [0, 0];
  return {
    add(bytes) {
      hash.update(bytes);
      total += bytes.length;
      for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) lines++;
    },
    get bytes() {
      return total;
    },
    get lines() {
      return lines;
    },
    sha256: () => hash.digest('hex'),
  };
}
