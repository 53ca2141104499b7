import { describe, expect, test } from '@jest/globals';
import { createEventDecoder, createRecordMac, logOf, partitionOf, readRecord } from '@docket/event';
import type { Reading } from '@docket/event';
import type { PublishRecord } from '@docket/kafka';
import { auditEventAvro } from '@docket/schemas';

import { recordOf } from '../../src/judging/event-record-mapper.ts';
import { judgeEvents } from '../../src/judging/event-verdict-policy.ts';
import type { Verdict } from '../../src/judging/event-verdict-policy.ts';

const form = { schemaId: 7, partitions: 12 };
const decode = createEventDecoder(auditEventAvro);

function verdictOn(input: unknown, tenants: readonly string[] | '*'): Verdict {
  const [verdict] = judgeEvents([input], {
    credential: { keyId: 'k', scopes: [], tenants },
    receivedFrom: '',
    arrivalMs: 0,
    idempotencyKey: undefined,
    isLenient: false,
    traceId: undefined,
    isKnownTenant: () => true,
    newId: () => '0199f3c2-0000-7000-8000-00000000000f',
  });
  if (verdict === undefined) throw new Error('no verdict');
  return verdict;
}

/** What every reader of the log makes of the record. */
function readingOf(record: PublishRecord): Reading {
  const key = record.key === null ? null : Buffer.from(record.key);
  const partition = record.partition ?? partitionOf(key ?? '', form.partitions);
  const headers = Object.fromEntries(
    Object.entries(record.headers ?? {}).map(([name, value]) => [name, Buffer.from(value)]),
  );
  return readRecord(
    { partition, offset: 0, timestampMs: 0, key, value: record.value, headers },
    { partitions: form.partitions, decoderOf: () => decode, mac: createRecordMac([]) },
  );
}

const event = { tenant_id: 'acme', action: 'user.created', actor: { type: 'user', id: 'u_1' } };

describe('records of events', () => {
  test('a good one is read as the event, in its tenant’s log, under the registered schema', () => {
    expect(readingOf(recordOf(verdictOn(event, '*'), form))).toMatchObject({
      kind: 'event',
      log: 'acme',
      schemaId: 7,
      event: { action: 'user.created', ingest: { key_id: 'k' } },
    });
  });

  test('both carry the headers of their request', () => {
    const passed = { traceparent: '00-1' };
    expect(recordOf(verdictOn(event, '*'), form, passed).headers).toEqual(passed);
    expect(recordOf(verdictOn(7, '*'), form, passed).headers).toMatchObject({
      ...passed,
      'docket-reject': expect.any(Buffer),
    });
  });

  test('a bad one is read as rejected with its reason, in the sender’s log, as it came', () => {
    const record = recordOf(verdictOn({ ...event, acton: 'x' }, '*'), form);
    expect(readingOf(record)).toMatchObject({
      kind: 'quarantined',
      reason: 'rejected',
      log: 'acme',
      detail: 'invalid_event: /acton is not a field of an event; did you mean action?',
    });
    expect(JSON.parse(record.value?.toString() ?? '')).toEqual({ ...event, acton: 'x' });
  });

  test('a bad one without a tenant goes to a stray log', () => {
    const record = recordOf(verdictOn({}, '*'), form);
    expect(record.key).toBeNull();
    expect(readingOf(record).log).toBe(logOf(null, record.partition ?? -1, form.partitions));
  });

  test.each([
    [512 * 1024, false],
    [512 * 1024 + 1, true],
    [4 * 1024 * 1024, true],
  ])('of a bad one of %i bytes, what is kept fits a record, and the reason says so: %p', (bytes, isCut) => {
    const input = { x: 'a'.repeat(bytes - '{"x":""}'.length) };
    const record = recordOf(verdictOn(input, ['acme']), form);
    expect(record.value?.length).toBe(Math.min(bytes, 512 * 1024));
    const reading = readingOf(record);
    expect(reading.kind === 'quarantined' && reading.detail.includes(`of ${bytes} bytes are kept`)).toBe(isCut);
  });

  test('a reason of many errors is cut to what the reader keeps', () => {
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`unknown_field_${n}`, 'x'.repeat(40_000)]));
    const [reason] = Object.values(recordOf(verdictOn(many, ['acme']), form).headers ?? {});
    expect(String(reason)).toHaveLength(512);
    expect(String(reason)).toMatch(/bytes are kept$/);
  });
});
