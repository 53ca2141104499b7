import type { EventStatus } from '@docket/event';

/** A stored record as the duplicate window needs it. */
export interface WindowRow {
  readonly log: string;
  readonly id: string;
  readonly status: EventStatus;
  /** Unsigned 64 bits. */
  readonly contentHash: bigint;
}

const statuses: readonly EventStatus[] = ['accepted', 'duplicate', 'conflict', 'quarantined', 'rerouted', 'lost'];

/** Decodes RowBinary of (String, UUID, Int8 status, UInt64). Throws when the bytes are anything else. */
export function decodeWindowRows(bytes: Buffer): WindowRow[] {
  const rows: WindowRow[] = [];
  let at = 0;
  while (at < bytes.length) {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes.readUInt8(at++);
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    const log = bytes.toString('utf8', at, at + length);
    at += length;
    const id = uuidAt(bytes, at);
    const status = statuses[bytes.readInt8(at + 16) - 1];
    if (status === undefined) throw new Error(`status ${bytes.readInt8(at + 16)} has no name`);
    rows.push({ log, id, status, contentHash: bytes.readBigUInt64LE(at + 17) });
    at += 25;
  }
  return rows;
}

/** ClickHouse keeps a UUID as two little-endian halves, the high one first. */
function uuidAt(bytes: Buffer, at: number): string {
  const high = bytes.readBigUInt64LE(at).toString(16).padStart(16, '0');
  const low = bytes
    .readBigUInt64LE(at + 8)
    .toString(16)
    .padStart(16, '0');
  return `${high.slice(0, 8)}-${high.slice(8, 12)}-${high.slice(12)}-${low.slice(0, 4)}-${low.slice(4)}`;
}
