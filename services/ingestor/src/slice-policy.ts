import type { LogRecord } from '@docket/event';

/** So many records are decoded before timers and sockets get their turn, … */
const sliceRecords = 500;
/** … or records of so many bytes: more than 500 of an ordinary size have, and four of the largest events. */
const sliceBytes = 1024 * 1024;

/** Where the slice ends that begins at `from`, the last not included: at the first record that reaches a limit, so that none is empty. */
export function sliceEnd(records: readonly LogRecord[], from: number): number {
  const last = Math.min(from + sliceRecords, records.length);
  let bytes = 0;
  for (let index = from; index < last; index += 1) {
    bytes += records[index]?.value?.length ?? 0;
    if (bytes >= sliceBytes) return index + 1;
  }
  return last;
}
