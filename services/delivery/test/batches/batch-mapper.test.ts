import { describe, expect, test } from '@jest/globals';
import type { PublicEvent } from '@docket/event';
import { checkBatchChain } from '@docket/testkit';
import fc from 'fast-check';

import { buildBatch as buildAnyBatch, webhookIdOf } from '../../src/batches/batch-mapper.ts';
import type { Batch, BatchLimits, BatchOrigin } from '../../src/batches/batch-mapper.ts';
import { nativeFormat } from '../../src/formats/event-format.ts';
import type { LogEntry } from '../../src/batches/log-entry-mapper.ts';
import { noneSkipped } from '../../src/batches/skipped-counts.ts';
import { webhookEncoding } from '../../src/sinks/webhook-mapper.ts';

const envelope = webhookEncoding('batch', nativeFormat);

function buildBatch(origin: BatchOrigin, entries: readonly LogEntry[], limits: BatchLimits, expired = 0) {
  return buildAnyBatch(origin, entries, limits, envelope, expired);
}

const receivedAtMs = Date.UTC(2026, 10, 23, 9);
const origin: BatchOrigin = {
  subscriptionId: 'sub_1',
  tenantId: 'acme',
  edition: '2026-01-01T00:00:00.000Z 0',
  prevToSeq: 100,
  prevEventSeq: 98,
  passed: noneSkipped,
};
const unlimited = { eventsMax: 1_000, bytesMax: 1_000_000 };

function event(seq: number, description = ''): LogEntry {
  const shown: PublicEvent = {
    id: `id-${seq}`,
    seq,
    tenant_id: 'acme',
    occurred_at: '2026-11-23T09:00:00Z',
    received_at: '2026-11-23T09:00:00.000Z',
    action: 'a.b',
    actor: { type: 'user', id: 'u' },
    ...(description === '' ? {} : { description }),
  };
  return { seq, receivedAtMs: receivedAtMs + seq, kind: 'event', event: shown };
}

const skip = (seq: number, reason: 'filtered' | 'duplicate' | 'quarantined' | 'lost'): LogEntry => ({
  seq,
  receivedAtMs: receivedAtMs + seq,
  kind: 'skipped',
  reason,
});

const parse = (batch: Batch | undefined): unknown => JSON.parse(batch?.body.toString() ?? 'null');

describe('the envelope', () => {
  test('is exactly this', () => {
    const batch = buildBatch(
      origin,
      [event(103), skip(104, 'duplicate'), event(105), skip(106, 'quarantined')],
      unlimited,
      2,
    );
    expect(parse(batch)).toEqual({
      type: 'audit.batch',
      timestamp: '2026-11-23T09:00:00.106Z',
      data: {
        subscription_id: 'sub_1',
        tenant_id: 'acme',
        batch: {
          prev_to_seq: 100,
          from_seq: 101,
          to_seq: 106,
          count: 2,
          skipped: { filtered: 0, duplicate: 1, quarantined: 1, parked: 0, expired: 2, operator_skipped: 0, lost: 0 },
        },
        events: [
          expect.objectContaining({ id: 'id-103', seq: 103, prev_seq: 98 }),
          expect.objectContaining({ id: 'id-105', seq: 105, prev_seq: 103 }),
        ],
      },
    });
    expect(batch).toMatchObject({
      fromSeq: 101,
      toSeq: 106,
      eventSeq: 105,
      eventCount: 2,
      isFull: false,
      oldestReceivedAtMs: receivedAtMs + 103,
    });
  });

  test('accounts for what was passed without a batch before it', () => {
    const passed = { ...noneSkipped, filtered: 40, expired: 10 };
    const batch = buildBatch({ ...origin, passed }, [skip(151, 'filtered'), event(152)], unlimited);
    const skipped = { ...passed, filtered: 41 };
    expect(parse(batch)).toMatchObject({
      data: {
        batch: { prev_to_seq: 100, from_seq: 101, to_seq: 152, count: 1, skipped },
        events: [{ seq: 152, prev_seq: 98 }],
      },
    });
    expect(batch).toMatchObject({ webhookId: webhookIdOf(origin, 101, 152), skipped });
  });

  test('the same entries give the same bytes and the same webhook-id; another range another id', () => {
    const entries = [event(101), skip(102, 'lost')];
    expect(buildBatch(origin, entries, unlimited)).toEqual(buildBatch(origin, entries, unlimited));
    const of = (subscriptionId: string, edition = '') => ({ subscriptionId, edition });
    const ids = [
      webhookIdOf(of('s'), 1, 2),
      webhookIdOf(of('s'), 1, 3),
      webhookIdOf(of('s'), 2, 2),
      webhookIdOf(of('t'), 1, 2),
      webhookIdOf(of('s', 'v2'), 1, 2),
      webhookIdOf(of('s'), 1, 2),
    ];
    expect(new Set(ids).size).toBe(5);
    expect(ids[0]).toMatch(/^msg_[A-Za-z0-9_-]{32}$/);
  });

  test('without entries there is no batch; with skipped ones only, it proves that nothing happened', () => {
    expect(buildBatch(origin, [], unlimited)).toBeUndefined();
    const batch = buildBatch(origin, [skip(101, 'duplicate')], unlimited);
    expect(batch).toMatchObject({ toSeq: 101, eventSeq: 98, eventCount: 0, oldestReceivedAtMs: null });
  });

  test.each([
    ['below', 2, 2, false],
    ['at', 3, 3, false],
    ['above', 4, 3, true],
  ])('%s the limit of events', (_name, there, taken, isFull) => {
    const entries = Array.from({ length: there }, (_, index) => event(101 + index));
    expect(buildBatch(origin, entries, { ...unlimited, eventsMax: 3 })).toMatchObject({
      eventCount: taken,
      toSeq: 100 + taken,
      isFull,
    });
  });

  test('the limit of bytes holds for the body, except that a single event always goes', () => {
    const entries = [event(101, 'x'.repeat(3_000)), event(102, 'x'.repeat(3_000)), event(103)];
    const batch = buildBatch(origin, entries, { ...unlimited, bytesMax: 4_500 });
    expect(batch).toMatchObject({ eventCount: 1, toSeq: 101, isFull: true });
    expect(batch?.body.length).toBeLessThanOrEqual(4_500);
    expect(buildBatch(origin, entries, { ...unlimited, bytesMax: 10 })).toMatchObject({ eventCount: 1 });
  });

  test('skipped ones behind the last event that fits belong to this batch, not to the next', () => {
    const entries = [event(101), skip(102, 'duplicate'), event(103)];
    expect(buildBatch(origin, entries, { ...unlimited, eventsMax: 1 })).toMatchObject({ toSeq: 102, isFull: true });
  });

  test('I6: however a log is cut into batches, a receiver can prove that nothing is missing', () => {
    const kinds = fc.array(fc.constantFrom('event', 'duplicate', 'quarantined', 'lost'), {
      minLength: 1,
      maxLength: 80,
    });
    fc.assert(
      fc.property(
        kinds,
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 100, max: 3_000 }),
        fc.nat({ max: 5 }),
        (log, eventsMax, bytesMax, expired) => {
          const firstSeq = 1 + expired;
          const entries = log.map((kind, index) =>
            kind === 'event' ? event(firstSeq + index) : skip(firstSeq + index, kind),
          );
          const bodies: unknown[] = [];
          let [seq, eventSeq] = [0, 0];
          while (seq < entries.length + expired) {
            const from = { ...origin, prevToSeq: seq, prevEventSeq: eventSeq };
            const rest = entries.filter((entry) => entry.seq > seq);
            const batch = buildBatch(from, rest, { eventsMax, bytesMax }, seq === 0 ? expired : 0);
            if (batch === undefined) throw new Error('no progress');
            bodies.push(parse(batch));
            ({ toSeq: seq, eventSeq } = batch);
          }
          const report = checkBatchChain(bodies);
          expect(report.problems).toEqual([]);
          expect(report.events.map((one) => one.seq)).toEqual(
            entries.filter(({ kind }) => kind === 'event').map((one) => one.seq),
          );
          expect(report.range).toEqual({ afterSeq: 0, toSeq: entries.length + expired });
        },
      ),
    );
  });
});
