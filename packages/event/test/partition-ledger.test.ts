import { describe, expect, test } from '@jest/globals';
import { auditEventAvro } from '@docket/schemas';
import {
  createDuplicateWindow,
  createEventDecoder,
  createPartitionLedger,
  createRecordMac,
  encodeEvent,
  frameAvro,
  partitionOf,
  refusedRow,
  restoreWindow,
  type AuditEvent,
  type LogRecord,
} from '../src/index.ts';
import { goldenArrivalMs, goldenEvent } from './golden.ts';

const home = partitionOf('acme', 4);
const event = goldenEvent('event');
const decode = createEventDecoder(auditEventAvro);

function ledgerWith(heads = new Map<string, number>(), window = createDuplicateWindow(64)) {
  return createPartitionLedger({
    generation: 1,
    partitions: 4,
    heads,
    window,
    decoderOf: () => decode,
    mac: createRecordMac([]),
  });
}

function recordOf(offset: number, changed: Partial<AuditEvent> = {}, key: string | null = 'acme'): LogRecord {
  const value = frameAvro(1, encodeEvent({ ...event, ...changed }));
  return {
    partition: home,
    offset,
    timestampMs: goldenArrivalMs,
    key: key === null ? null : Buffer.from(key),
    value,
    headers: {},
  };
}

const idOf = (n: number): string => `0199f3c2-7a1e-7c3d-9a55-${String(n).padStart(12, '0')}`;

describe('the partition ledger', () => {
  test('I3: every record takes the next seq of its log, whatever became of it; logs count apart', () => {
    const ledger = ledgerWith(new Map([['acme', 40]]));
    const garbage: LogRecord = { ...recordOf(3), key: null, value: Buffer.from('x') };
    const records = [
      recordOf(0),
      recordOf(1),
      recordOf(2, { description: 'other' }),
      garbage,
      recordOf(7, { id: idOf(2) }),
    ];
    const rows = records.map((record) => ledger.enter(record).row);
    expect(rows.map((row) => [row.tenant_id, row.seq, row.status, row.src_offset])).toEqual([
      ['acme', 41, 'accepted', 0],
      ['acme', 42, 'duplicate', 1],
      ['acme', 43, 'conflict', 2],
      [`!p${home}`, 1, 'quarantined', 3],
      ['acme', 44, 'accepted', 7],
    ]);
  });

  test('a re-sent event is a duplicate although the gateway stamped it anew and it named no time', () => {
    const ledger = ledgerWith();
    const first = recordOf(0, { occurred_at: null, ingest: { key_id: 'k1', received_from: '192.0.2.1' } });
    const again = {
      ...recordOf(1, { occurred_at: null, ingest: { key_id: 'k2', received_from: '192.0.2.2' } }),
      timestampMs: goldenArrivalMs + 5000,
    };
    expect([first, again].map((record) => ledger.enter(record).row.status)).toEqual(['accepted', 'duplicate']);
  });

  test('a stray keeps a row without content in its partition’s log and names the tenant to publish it to', () => {
    const entry = ledgerWith().enter(recordOf(0, {}, null));
    expect(entry).toMatchObject({
      rerouteTo: 'acme',
      row: { tenant_id: `!p${home}`, status: 'rerouted', action: '', raw: Buffer.alloc(0) },
    });
  });

  test('quarantined rows keep the bytes and the reason', () => {
    const { row } = ledgerWith().enter({ ...recordOf(0), value: Buffer.from([1, 2, 3, 255]) });
    expect(Buffer.from(row.raw)).toEqual(Buffer.from([1, 2, 3, 255]));
    expect(row.status_detail).toMatch(/^undecodable: /);
  });

  test('a restarted ledger goes on as if it had never stopped', () => {
    const records = Array.from({ length: 40 }, (_, n) => recordOf(n, { id: idOf(n % 15) }));
    const running = ledgerWith();
    const whole = records.map((record) => running.enter(record).row);
    for (const stop of [1, 14, 15, 16, 39]) {
      const stored = whole.slice(0, stop);
      const window = createDuplicateWindow(64);
      restoreWindow(
        window,
        stored.map((row) => ({ log: row.tenant_id, id: row.id, status: row.status, contentHash: row.content_hash })),
      );
      const restarted = ledgerWith(new Map([['acme', stop]]), window);
      expect(records.slice(stop).map((record) => restarted.enter(record).row)).toEqual(whole.slice(stop));
    }
  });

  test('a row that the database refused is quarantined at its place', () => {
    const record = recordOf(5);
    const { row } = ledgerWith().enter(record);
    const refused = refusedRow(row, record.value, 'Code: 117');
    expect(refused).toMatchObject({
      tenant_id: 'acme',
      seq: 1,
      src_offset: 5,
      status: 'quarantined',
      status_detail: 'refused: Code: 117',
      id: event.id,
    });
    expect(refused.raw).toBe(record.value);
  });
});
