import { createCandidate, setContent, setIdFromText } from './candidate.ts';
import { contentHashOf } from './content-hash.ts';
import type { Candidate, DuplicateWindow } from './duplicate-window.ts';
import { rowOfEvent, rowOfRecord, type EventRow, type RowPlace } from './event-row.ts';
import type { EventStatus } from './public-event.ts';
import { readRecord, type LogRecord, type Reading, type ReadingRules } from './read-record.ts';
import { cutText } from './text-limits.ts';

/** What a record becomes: one row, and for a stray the tenant under whose key it is published again before that row is written. */
export interface LedgerEntry {
  readonly row: EventRow;
  readonly rerouteTo: string | null;
}

/** Turns the records of one partition into its rows. MUST be given every data record from its position on, once and in offset order (I2, I3). */
export interface PartitionLedger {
  enter(record: LogRecord): LedgerEntry;
  /**
   * The record that was entered last is stored as quarantined, because of what nothing here can know: the database refused
   * its row, or the registry did not know its schema in its day. It keeps its seq, but later repeats are none of it.
   */
  retract(): void;
}

export interface LedgerStart extends ReadingRules {
  readonly generation: number;
  /** The last seq of each log of this partition; a log that is not in it begins at 1. The ledger keeps it up to date. */
  readonly heads: Map<string, number>;
  /** Holds the records before the position. */
  readonly window: DuplicateWindow;
}

/**
 * The definition of what becomes of a record, one object after the other: the oracle of the compiled path
 * (columns/column-ledger.ts), and what `docket verify` recomputes with.
 */
export function createPartitionLedger(start: LedgerStart): PartitionLedger {
  const candidate = createCandidate();
  return {
    retract: () => start.window.retract(1),
    enter(record) {
      const reading = readRecord(record, start);
      const seq = (start.heads.get(reading.log) ?? 0) + 1;
      start.heads.set(reading.log, seq);
      const contentHash = reading.kind === 'event' ? contentHashOf(reading.event) : 0n;
      const { status, detail } = judge(reading, contentHash, start.window, candidate);
      const place = placeOf(record, reading, { seq, status, detail, generation: start.generation });
      if (reading.kind === 'event') return { row: rowOfEvent(reading.event, place, contentHash), rerouteTo: null };
      const raw = reading.kind === 'quarantined' ? record.value : null;
      const id = reading.kind === 'quarantined' ? reading.id : reading.event.id;
      return { row: rowOfRecord(place, id, raw), rerouteTo: reading.kind === 'stray' ? reading.tenantId : null };
    },
  };
}

interface Judged {
  readonly status: EventStatus;
  readonly detail: string;
}

function judge(reading: Reading, contentHash: bigint, window: DuplicateWindow, candidate: Candidate): Judged {
  switch (reading.kind) {
    case 'event':
      fill(candidate, window, { log: reading.log, id: reading.event.id, contentHash });
      return { status: window.admit(candidate), detail: '' };
    case 'stray':
      window.pass();
      return { status: 'rerouted', detail: `to ${reading.tenantId}` };
    case 'quarantined':
      window.pass();
      return { status: 'quarantined', detail: `${reading.reason}: ${reading.detail}` };
  }
}

function placeOf(record: LogRecord, reading: Reading, judged: Judged & { seq: number; generation: number }): RowPlace {
  return {
    log: reading.log,
    seq: judged.seq,
    status: judged.status,
    statusDetail: judged.detail,
    receivedAtMs: record.timestampMs,
    schemaId: reading.schemaId,
    generation: judged.generation,
    partition: record.partition,
    offset: record.offset,
  };
}

/** What a row says beside its event. */
export type PlacedRow = Pick<
  EventRow,
  | 'tenant_id'
  | 'seq'
  | 'id'
  | 'status'
  | 'received_at'
  | 'schema_id'
  | 'src_generation'
  | 'src_partition'
  | 'src_offset'
>;

/** The row that replaces one that the database refused: quarantined at the same place, with the record's bytes. */
export function refusedRow(row: PlacedRow, raw: Buffer | null, message: string): EventRow {
  const place: RowPlace = {
    log: row.tenant_id,
    seq: row.seq,
    status: 'quarantined',
    statusDetail: cutText(`refused: ${message}`, 512),
    receivedAtMs: row.received_at,
    schemaId: row.schema_id,
    generation: row.src_generation,
    partition: row.src_partition,
    offset: row.src_offset,
  };
  return rowOfRecord(place, row.id, raw);
}

/** A stored record as the duplicate window needs it. */
export interface WindowEntry {
  readonly log: string;
  readonly id: string;
  readonly status: EventStatus;
  readonly contentHash: bigint;
}

/** Brings an empty window to where it stood after these records, given in offset order. */
export function restoreWindow(window: DuplicateWindow, entries: Iterable<WindowEntry>): void {
  const candidate = createCandidate();
  for (const entry of entries) {
    fill(candidate, window, entry);
    if (entry.status === 'accepted') window.restore(candidate);
    else window.pass();
  }
}

function fill(candidate: Candidate, window: DuplicateWindow, event: Omit<WindowEntry, 'status'>): void {
  candidate.log = window.logNumber(event.log);
  setIdFromText(candidate, event.id);
  setContent(candidate, event.contentHash);
}
