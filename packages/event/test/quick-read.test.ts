import { describe, expect, test } from '@jest/globals';
import {
  createByteSink,
  createEventCodec,
  createQuickReader,
  createRecordMac,
  encodeEvent,
  frameAvro,
  partitionOf,
  readRecord,
  writtenBytes,
  type LogRecord,
  type QuickReading,
} from '../src/index.ts';
import { auditEventAvro } from '@docket/schemas';
import { createChance, damaged, eventFrom } from './event-maker.ts';

const partitions = 12;
const arrivalMs = 1_780_000_000_000;
const codec = createEventCodec(auditEventAvro);
const codecOf = (schemaId: number) => (schemaId === 1 ? codec : undefined);
const rules = { partitions, decoderOf: (id: number) => codecOf(id)?.decode, mac: createRecordMac([]) };

const recordOf = (tenantId: string, value: Buffer | null, headers: LogRecord['headers'] = {}): LogRecord => ({
  partition: partitionOf(tenantId, partitions),
  offset: 7,
  timestampMs: arrivalMs,
  key: Buffer.from(tenantId),
  value,
  headers,
});

const textOf = (reading: QuickReading, seq: number): Buffer => {
  const sink = createByteSink();
  reading.putText(seq, sink);
  return writtenBytes(sink);
};

describe('the quick reader', () => {
  test('of any bytes it says what readRecord says, or nothing', () => {
    const chance = createChance(11);
    const readQuickly = createQuickReader(codecOf);
    let quick = 0;
    let earlier: { reading: QuickReading; seq: number; text: Buffer } | undefined;
    let other = encodeEvent(eventFrom(chance, 'acme', arrivalMs));
    for (let n = 0; n < 5_000; n += 1) {
      const body = encodeEvent(eventFrom(chance, 'acme', arrivalMs));
      const record = recordOf('acme', frameAvro(1, chance.onceIn(3) ? damaged(chance, body, other) : body));
      other = body;
      const seq = chance.onceIn(2) ? n + 1 : undefined;
      const found = readQuickly(record, 'acme', seq);
      if (found === undefined) continue;
      quick += 1;
      const { kind, log, schemaId, event } = found;
      expect({ kind, log, schemaId, event }).toEqual(readRecord(record, rules));
      // The same text, whether it was written while it was read, or is now.
      const [first, again] = [createByteSink(), createByteSink()];
      const isWritten = found.putText(n + 1, first);
      expect(readQuickly(record, 'acme')?.putText(n + 1, again)).toBe(isWritten);
      expect(writtenBytes(first).equals(writtenBytes(again))).toBe(true);
      if (earlier !== undefined) expect(earlier.text.equals(textOf(earlier.reading, earlier.seq))).toBe(true);
      earlier = { reading: found, seq: n + 1, text: Buffer.from(writtenBytes(first)) };
    }
    expect(quick).toBeGreaterThan(900);
  });

  test('what is rejected, empty, framed otherwise, of another schema or reserved is left to readRecord', () => {
    const readQuickly = createQuickReader(codecOf);
    const body = encodeEvent({ ...eventFrom(createChance(1), 'acme', arrivalMs), tenant_id: 'acme', action: 'a.b' });
    expect(readQuickly(recordOf('acme', frameAvro(1, body), { 'docket-reject': Buffer.from('x') }), 'acme')).toBe(
      undefined,
    );
    expect(readQuickly(recordOf('acme', null), 'acme')).toBe(undefined);
    expect(readQuickly(recordOf('acme', Buffer.from([0, 0])), 'acme')).toBe(undefined);
    expect(readQuickly(recordOf('acme', frameAvro(2, body)), 'acme')).toBe(undefined);
    expect(readQuickly(recordOf('docket.x', frameAvro(1, body)), 'docket.x')).toBe(undefined);
  });
});
