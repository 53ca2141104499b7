import { describe, expect, test } from '@jest/globals';
import {
  createRecordMac,
  encodeEvent,
  frameAvro,
  newEventId,
  parseEvent,
  partitionOf,
  readRecord,
  rowOfEvent,
} from '@docket/event';
import type { AuditEvent, EventStatus, LogRecord, Reading } from '@docket/event';
import { createEventDecoder } from '@docket/event';
import { auditEventAvro } from '@docket/schemas';

import { entriesOfRecords, entryOfRow } from '../../src/batches/log-entry-mapper.ts';
import type { LogEntry } from '../../src/batches/log-entry-mapper.ts';

const partitions = 12;
const decode = createEventDecoder(auditEventAvro);
const decoderOf = (schemaId: number): typeof decode | undefined => (schemaId === 1 ? decode : undefined);
const mac = createRecordMac([Buffer.alloc(32, 1)]);
const every = () => true;
const rules = { partitions, decoderOf, mac };
const read = (one: LogRecord): Reading => readRecord(one, rules);
const entriesOf = (records: readonly LogRecord[], firstSeq: number): LogEntry[] => [
  ...entriesOfRecords(records, firstSeq, read, every),
];

function newEvent(): AuditEvent {
  const parsed = parseEvent(
    { tenant_id: 'acme', action: 'a.b', actor: { type: 'user', id: 'u' } },
    Date.now(),
    newEventId(),
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return parsed.event;
}

const record = (value: Buffer | null, offset: number): LogRecord => ({
  partition: partitionOf('acme', partitions),
  offset,
  timestampMs: Date.now(),
  key: Buffer.from('acme'),
  value,
  headers: {},
});

describe('entries of records', () => {
  test('consecutive records get consecutive seqs; what cannot be an event is skipped and counted', () => {
    const good = frameAvro(1, encodeEvent(newEvent()));
    const records = [record(good, 10), record(Buffer.from('garbage'), 12), record(null, 13), record(good, 17)];
    const entries = entriesOf(records, 41);
    expect(entries.map((entry) => [entry.seq, entry.kind === 'event' ? entry.event.seq : entry.reason])).toEqual([
      [41, 41],
      [42, 'quarantined'],
      [43, 'quarantined'],
      [44, 44],
    ]);
  });

  test('nothing that the index accepts is skipped: an unknown schema ends the entries instead', () => {
    const good = frameAvro(1, encodeEvent(newEvent()));
    const unknown = frameAvro(2, encodeEvent(newEvent()));
    expect(entriesOf([record(good, 1), record(unknown, 2), record(good, 3)], 1)).toHaveLength(1);
    expect(entriesOf([record(unknown, 2)], 1)).toEqual([]);
  });

  test('an event of our own is delivered; one under a key that others may know ends the entries', () => {
    const value = frameAvro(1, encodeEvent({ ...newEvent(), action: 'docket.log.searched' }));
    const signedWith = (key: number): LogRecord => ({
      ...record(value, key),
      headers: createRecordMac([Buffer.alloc(32, key)]).sign('acme', value),
    });
    const kinds = (records: LogRecord[]) => entriesOf(records, 1).map(({ kind }) => kind);
    expect(kinds([signedWith(1), record(value, 2)])).toEqual(['event', 'skipped']);
    expect(kinds([signedWith(1), signedWith(2), signedWith(1)])).toEqual(['event']);
  });
});

describe('entries of rows', () => {
  const expected: Record<EventStatus, string> = {
    accepted: 'event',
    conflict: 'event',
    duplicate: 'duplicate',
    quarantined: 'quarantined',
    rerouted: 'quarantined',
    lost: 'lost',
  };
  const statuses: EventStatus[] = ['accepted', 'duplicate', 'conflict', 'quarantined', 'rerouted', 'lost'];
  test.each(statuses)('%s', (status) => {
    const place = {
      log: 'acme',
      seq: 7,
      statusDetail: '',
      receivedAtMs: 5,
      schemaId: 1,
      generation: 1,
      partition: 0,
      offset: 9,
    };
    const entry = entryOfRow(rowOfEvent(newEvent(), { ...place, status }, 0n), every);
    expect(entry.seq).toBe(7);
    expect(entry.kind === 'event' ? 'event' : entry.reason).toBe(expected[status]);
    if (status === 'conflict') expect(entry).toMatchObject({ event: { status: 'conflict' } });
  });

  test('a record and its row make the same event', () => {
    const event = newEvent();
    const from = record(frameAvro(1, encodeEvent(event)), 3);
    const place = {
      log: 'acme',
      seq: 1,
      statusDetail: '',
      receivedAtMs: from.timestampMs,
      schemaId: 1,
      generation: 1,
      partition: 0,
      offset: 3,
    };
    const [ofRecord] = entriesOf([from], 1);
    expect(entryOfRow(rowOfEvent(event, { ...place, status: 'accepted' }, 0n), every)).toEqual(ofRecord);
  });
});
