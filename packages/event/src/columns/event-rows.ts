import type { EventRow } from '../event-row.ts';
import type { Candidate } from '../duplicate-window.ts';
import type { EventStatus } from '../public-event.ts';
import type { LogRecord } from '../read-record.ts';
import { reserve, type ByteSink } from './byte-sink.ts';
import { createEventAppender, type EventAppender, type EventBlock } from './event-appender.ts';
import { putEmptyText, putUnsigned } from './field-step.ts';

/** What is known of an event's row beside the record. One object, filled anew for each row. */
export interface Judged {
  seq: number;
  status: EventStatus;
  schemaId: number;
  readonly generation: number;
}

/** Both ways into one block: an event's bytes without an object, and any row as an object. */
export interface EventRows {
  readonly appender: EventAppender;
  /** The UUID column, in which `appender` has just written the event's id. */
  readonly ids: ByteSink;
  /** Ends the row that `appender` has begun. The candidate's content is the row's content hash. */
  finish(record: LogRecord, judged: Judged, candidate: Candidate): void;
  /** Appends a whole row. */
  append(row: EventRow): void;
}

export const statusCodes: Readonly<Record<EventStatus, number>> = {
  accepted: 1,
  duplicate: 2,
  conflict: 3,
  quarantined: 4,
  rerouted: 5,
  lost: 6,
};

export function createEventRows(block: EventBlock): EventRows {
  const only = (column: keyof EventRow): ByteSink => {
    const [sink, ...others] = block.sinksOf(column);
    if (sink === undefined || others.length > 0) throw new Error(`the column ${column} has not one sink`);
    return sink;
  };
  const seq = only('seq');
  const status = only('status');
  const statusDetail = only('status_detail');
  const receivedAt = only('received_at');
  const schemaId = only('schema_id');
  const contentHash = only('content_hash');
  const generation = only('src_generation');
  const partition = only('src_partition');
  const offset = only('src_offset');
  const raw = only('raw');
  return {
    appender: createEventAppender(block),
    ids: only('id'),
    append: (row) => block.append(row),
    finish(record, judged, candidate) {
      putUnsigned(seq, judged.seq);
      putUInt8(status, statusCodes[judged.status]);
      putEmptyText(statusDetail);
      putUnsigned(receivedAt, record.timestampMs);
      putWord(schemaId, judged.schemaId);
      putWord(contentHash, candidate.content0);
      putWord(contentHash, candidate.content1);
      putUInt16(generation, judged.generation);
      putUInt16(partition, record.partition);
      putUnsigned(offset, record.offset);
      putEmptyText(raw);
      block.rowWritten();
    },
  };
}

function putUInt8(sink: ByteSink, value: number): void {
  reserve(sink, 1);
  sink.view.setUint8(sink.length, value);
  sink.length += 1;
}

function putUInt16(sink: ByteSink, value: number): void {
  reserve(sink, 2);
  sink.view.setUint16(sink.length, value, true);
  sink.length += 2;
}

/** The low 32 bits. */
function putWord(sink: ByteSink, value: number): void {
  reserve(sink, 4);
  sink.view.setInt32(sink.length, value, true);
  sink.length += 4;
}
