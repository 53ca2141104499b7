import type { EventRow } from '../event-row.ts';
import type { EventStatus } from '../public-event.ts';
import { reserve, type ByteSink } from './byte-sink.ts';
import { createEventAppender, type EventAppender, type EventBlock } from './event-appender.ts';
import { putEmptyText, putUnsigned } from './field-step.ts';

/** What the row of an event says beside the event. */
export interface EventPlace {
  readonly seq: number;
  readonly status: EventStatus;
  readonly receivedAtMs: number;
  readonly schemaId: number;
  readonly contentHash: bigint;
  readonly generation: number;
  readonly partition: number;
  readonly offset: number;
}

/** Both ways into one block: an event's bytes without an object, and any row as an object. */
export interface EventRows {
  readonly appender: EventAppender;
  /** The UUID column, in which `appender` has just written the event's id. */
  readonly ids: ByteSink;
  /** Ends the row that `appender` has begun. */
  finish(place: EventPlace): void;
  /** Appends a whole row. */
  append(row: EventRow): void;
}

const statusCodes: Readonly<Record<EventStatus, number>> = {
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
    finish(place) {
      putUnsigned(seq, place.seq);
      putUInt8(status, statusCodes[place.status]);
      putEmptyText(statusDetail);
      putUnsigned(receivedAt, place.receivedAtMs);
      putUInt32(schemaId, place.schemaId);
      putHash(contentHash, place.contentHash);
      putUInt16(generation, place.generation);
      putUInt16(partition, place.partition);
      putUnsigned(offset, place.offset);
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

function putUInt32(sink: ByteSink, value: number): void {
  reserve(sink, 4);
  sink.view.setUint32(sink.length, value, true);
  sink.length += 4;
}

function putHash(sink: ByteSink, value: bigint): void {
  reserve(sink, 8);
  sink.view.setBigUint64(sink.length, value, true);
  sink.length += 8;
}
