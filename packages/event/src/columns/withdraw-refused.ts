import { createCandidate, setContent, setIdFromColumn } from '../candidate.ts';
import type { Candidate, DuplicateWindow } from '../duplicate-window.ts';
import type { RowReader } from './row-reader.ts';

/** Rows that are not stored yet: `from` to `to` of a block, the last not included. */
export interface WaitingRows {
  readonly reader: RowReader;
  readonly from: number;
  readonly to: number;
}

interface Repeat {
  readonly reader: RowReader;
  readonly row: number;
  /** How many records of the partition came between the refused one and this, plus one. */
  readonly distance: number;
}

/**
 * Judges anew what repeats an event whose row the database refused: the row is stored as quarantined, so it is no accepted
 * event that a repeat could double, and the first repeat is the accepted one. What is stored then judges itself as a window
 * does that is refilled from it, and no event is taken for a duplicate of one that nobody can read.
 *
 * `later` MUST hold every row of the partition that was entered after the refused one, in offset order: nothing behind a
 * refused row is stored before it.
 */
export function withdrawRefused(
  window: DuplicateWindow,
  refused: { readonly reader: RowReader; readonly row: number },
  later: readonly WaitingRows[],
): void {
  const { reader, row } = refused;
  if (reader.statusAt(row) !== 'accepted') return;
  const log = reader.logAt(row);
  const event = createCandidate();
  event.log = window.logNumber(log);
  setIdFromColumn(event, reader.ids, row * 16);
  const { repeats, records } = repeatsOf(event, log, reader.partitionAt(row), later);
  const backOf = (repeat: Repeat): number => records - repeat.distance + 1;

  window.retract(records + 1);
  for (const repeat of repeats) if (repeat.reader.statusAt(repeat.row) === 'accepted') window.retract(backOf(repeat));
  let accepted: Repeat | undefined;
  for (const repeat of repeats) {
    const content = repeat.reader.contentHashAt(repeat.row);
    if (accepted !== undefined && repeat.distance - accepted.distance <= window.records) {
      const isSame = content === accepted.reader.contentHashAt(accepted.row);
      repeat.reader.setStatus(repeat.row, isSame ? 'duplicate' : 'conflict');
      continue;
    }
    setContent(event, content);
    window.reinstate(backOf(repeat), event);
    repeat.reader.setStatus(repeat.row, 'accepted');
    accepted = repeat;
  }
}

/** The later events with the same log and id, and how many records of the partition came after the refused one. */
function repeatsOf(
  event: Candidate,
  log: string,
  partition: number,
  later: readonly WaitingRows[],
): { readonly repeats: Repeat[]; readonly records: number } {
  const repeats: Repeat[] = [];
  const other = createCandidate();
  let records = 0;
  for (const { reader, from, to } of later) {
    for (let row = from; row < to; row += 1) {
      if (reader.partitionAt(row) !== partition) continue;
      records += 1;
      setIdFromColumn(other, reader.ids, row * 16);
      const isRepeat =
        other.id0 === event.id0 && other.id1 === event.id1 && other.id2 === event.id2 && other.id3 === event.id3;
      if (isRepeat && isEvent(reader, row) && reader.logAt(row) === log)
        repeats.push({ reader, row, distance: records });
    }
  }
  return { repeats, records };
}

function isEvent(reader: RowReader, row: number): boolean {
  const status = reader.statusAt(row);
  return status === 'accepted' || status === 'duplicate' || status === 'conflict';
}
