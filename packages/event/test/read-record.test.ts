import { describe, expect, test } from '@jest/globals';
import { auditEventAvro } from '@docket/schemas';
import {
  createEventDecoder,
  createRecordMac,
  encodeEvent,
  frameAvro,
  nilId,
  parseEvent,
  partitionOf,
  readRecord,
  rfc3339OfMillis,
  type AuditEvent,
  type LogRecord,
} from '../src/index.ts';
import { aheadOfOwnClockMsMax } from '../src/audit-event.ts';
import { decodedBytesMax } from '../src/read-record.ts';
import { goldenArrivalMs, goldenEvent, goldenInput } from './golden.ts';

const partitions = 4;
const home = partitionOf('acme', partitions);
const event = goldenEvent('event');
const decode = createEventDecoder(auditEventAvro);
const decoderOf = (schemaId: number) => (schemaId === 1 ? decode : undefined);
const macKey = Buffer.alloc(32, 1);
const mac = createRecordMac([macKey, Buffer.alloc(32, 2)]);
const valueOf = (changed: Partial<AuditEvent>): Buffer => frameAvro(1, encodeEvent({ ...event, ...changed }));

function read(changed: Partial<LogRecord>) {
  const record: LogRecord = {
    partition: home,
    offset: 0,
    timestampMs: goldenArrivalMs,
    key: Buffer.from('acme'),
    value: valueOf({}),
    headers: {},
    ...changed,
  };
  return readRecord(record, { partitions, decoderOf, mac });
}

describe('readRecord', () => {
  test('an event of its log', () => expect(read({})).toEqual({ kind: 'event', log: 'acme', event, schemaId: 1 }));

  const stray = (home + 1) % partitions;
  test.each<[string, Partial<LogRecord>]>([
    ['on another partition', { partition: stray }],
    ['without a key', { key: null, partition: stray }],
    ['with a key that is no tenant', { key: Buffer.from('not a tenant'), partition: stray }],
  ])('a tenant’s event %s is a stray', (_name, changed) => {
    expect(read(changed)).toMatchObject({ kind: 'stray', log: `!p${stray}`, tenantId: 'acme' });
  });

  test.each<[string, Partial<LogRecord>, string, string]>([
    ['a tombstone', { value: null }, 'tombstone', nilId],
    ['an empty value', { value: Buffer.alloc(0) }, 'undecodable', nilId],
    ['text', { value: Buffer.from('hello, world') }, 'undecodable', nilId],
    [
      'a schema that is no version of the subject',
      { value: frameAvro(9, encodeEvent(event)) },
      'unknown_schema',
      nilId,
    ],
    ['a cut body', { value: valueOf({}).subarray(0, 40) }, 'undecodable', nilId],
    ['bytes after the event', { value: Buffer.concat([valueOf({}), Buffer.from([0])]) }, 'undecodable', nilId],
    ['another tenant’s value', { value: valueOf({ tenant_id: 'globex' }) }, 'key_mismatch', event.id],
    ['a reserved action', { value: valueOf({ action: 'docket.log.searched' }) }, 'reserved', event.id],
    ['a field over its limit', { value: valueOf({ description: 'x'.repeat(4097) }) }, 'invalid', event.id],
    ['an id that is no UUID', { value: valueOf({ id: 'seven' }) }, 'invalid', nilId],
    [
      'a change that is no JSON',
      { value: valueOf({ changes: [{ path: 'p', old: '{', new: null }] }) },
      'invalid',
      event.id,
    ],
    [
      'a stamp with a key over its limit',
      { value: valueOf({ ingest: { key_id: 'x'.repeat(129), received_from: '' } }) },
      'invalid',
      event.id,
    ],
    [
      'a stamp with an address over its limit',
      { value: valueOf({ ingest: { key_id: '', received_from: 'x'.repeat(65) } }) },
      'invalid',
      event.id,
    ],
    ['what the gateway refused', { headers: { 'docket-reject': Buffer.from('invalid_event') } }, 'rejected', nilId],
  ])('%s is quarantined in its log', (_name, changed, reason, id) => {
    expect(read(changed)).toMatchObject({ kind: 'quarantined', log: 'acme', reason, id });
  });

  const own = valueOf({ action: 'docket.log.searched' });
  test.each<[string, Partial<LogRecord>]>([
    ['with its MAC', { value: own, headers: mac.sign('acme', own) }],
    ['with a MAC of the second key', { value: own, headers: createRecordMac([Buffer.alloc(32, 2)]).sign('acme', own) }],
  ])('a docket.* event %s is an event', (_name, changed) => {
    expect(read(changed)).toMatchObject({ kind: 'event', log: 'acme', event: { action: 'docket.log.searched' } });
  });

  test('an event of a docket.* log is an event with its MAC only', () => {
    const log = Array.from({ length: 100 }, (_, n) => `docket.${n}`).find((name) => partitionOf(name, 4) === home);
    const key = Buffer.from(log ?? '');
    const value = valueOf({ tenant_id: log ?? '' });
    expect(read({ key, value, headers: mac.sign(log ?? '', value) })).toMatchObject({ kind: 'event', log });
    expect(read({ key, value })).toMatchObject({ kind: 'quarantined', log, reason: 'reserved' });
  });

  test('a docket.* event under a key that is not known here says so: it may be known elsewhere, or later', () => {
    const headers = createRecordMac([Buffer.alloc(32, 3)]).sign('acme', own);
    expect(read({ value: own, headers })).toMatchObject({ kind: 'quarantined', reason: 'unknown_mac_key' });
  });

  test.each<[string, LogRecord['headers']]>([
    ['of another tenant', mac.sign('globex', own)],
    ['of another value', mac.sign('acme', valueOf({ action: 'docket.log.fed' }))],
    ['that is none', { 'docket-mac': Buffer.from('1.00000000.x') }],
  ])('a docket.* event with a MAC %s is quarantined', (_name, headers) => {
    expect(read({ value: own, headers })).toMatchObject({ kind: 'quarantined', reason: 'reserved', id: event.id });
  });

  test('a MAC excuses nothing else', () => {
    const value = valueOf({ action: 'docket.log.searched', description: 'x'.repeat(4097) });
    expect(read({ value, headers: mac.sign('acme', value) })).toMatchObject({ kind: 'quarantined', reason: 'invalid' });
  });

  test('what was accepted at the last moment by a clock that is five minutes ahead of the broker’s is an event, and not beyond 24 h', () => {
    const takenAtMs = goldenArrivalMs + 300_000;
    const occurredAtMs = takenAtMs + aheadOfOwnClockMsMax;
    const at = (ms: number) => read({ value: valueOf({ occurred_at: ms * 1000 }) });
    const input: unknown = { ...Object(goldenInput('event')), occurred_at: rfc3339OfMillis(occurredAtMs) };
    expect(parseEvent(input, takenAtMs, '').ok).toBe(true);
    expect(at(occurredAtMs)).toMatchObject({ kind: 'event' });
    expect(at(occurredAtMs + 1)).toMatchObject({
      kind: 'quarantined',
      reason: 'invalid',
      detail: '/occurred_at is more than 24 hours ahead of its arrival: check the clock of the producer',
    });
  });

  test('a stamp at its limits, or with an address that has a zone, is an event’s', () => {
    for (const ingest of [
      { key_id: '€'.repeat(128), received_from: '€'.repeat(64) },
      { key_id: '', received_from: 'fe80::1%eth0' },
    ])
      expect(read({ value: valueOf({ ingest }) })).toMatchObject({ kind: 'event', event: { ingest } });
  });

  test('garbage without a home is quarantined in the stray log of its partition', () => {
    expect(read({ key: null, value: Buffer.from('garbage') })).toMatchObject({ kind: 'quarantined', log: `!p${home}` });
  });

  test('a tenant’s event on another partition that is over the limit stays where it is: published again, Kafka might refuse it for ever', () => {
    const changed = { partition: stray, value: valueOf({ description: 'x'.repeat(256 * 1024) }) };
    expect(read(changed)).toMatchObject({ kind: 'quarantined', log: `!p${stray}`, reason: 'invalid' });
  });

  test('I8: a body of more bytes than an event of any producer is quarantined before it is decoded, one below that by what it holds', () => {
    const decoded: number[] = [];
    const counting = (body: Buffer): AuditEvent => {
      decoded.push(body.length);
      return { ...event, tenant_id: 'globex' };
    };
    const readBody = (bytes: number) => {
      const value = frameAvro(7, Buffer.alloc(bytes));
      const record = {
        partition: home,
        offset: 0,
        timestampMs: goldenArrivalMs,
        key: Buffer.from('acme'),
        headers: {},
      };
      return readRecord({ ...record, value }, { partitions, decoderOf: () => counting, mac });
    };
    expect(readBody(decodedBytesMax)).toMatchObject({ reason: 'key_mismatch', id: event.id });
    expect(readBody(decodedBytesMax + 1)).toMatchObject({
      kind: 'quarantined',
      log: 'acme',
      reason: 'invalid',
      id: nilId,
      schemaId: 7,
    });
    expect(decoded).toEqual([decodedBytesMax]);
  });

  test('a detail is never cut in the middle of a character: what is stored is what is recomputed', () => {
    for (const length of [509, 510, 511, 512]) {
      const found = read({ headers: { 'docket-reject': Buffer.from(`${'x'.repeat(length)}😀😀`) } });
      const detail = found.kind === 'quarantined' ? found.detail : '';
      expect(Buffer.from(detail).toString('utf8')).toBe(detail);
      expect(detail.length).toBeGreaterThanOrEqual(511);
    }
  });
});
