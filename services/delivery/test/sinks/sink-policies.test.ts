import { describe, expect, test } from '@jest/globals';
import type { SinkType } from '@docket/directory';
import fc from 'fast-check';

import { verdictOf } from '../../src/sinks/sink-rules.ts';

const answered = (status: number, body: unknown = '') =>
  ({
    kind: 'answered',
    status,
    retryAfterMs: null,
    text: typeof body === 'string' ? body : JSON.stringify(body),
  }) as const;

/** [what the sink's documentation calls it, status, body, what it means, the places of the events it is about] */
type Row = readonly [string, number, unknown, string, (readonly number[])?];

const hec = (code: number, more: object = {}) => ({ text: 'as documented', code, ...more });

/** Splunk, "Troubleshoot HTTP Event Collector", possible error codes. */
const splunk: readonly Row[] = [
  ['Success', 200, hec(0), 'delivered'],
  ['Success, with an acknowledgement', 200, hec(0, { ackId: 7 }), 'delivered'],
  ['Token disabled', 403, hec(1), 'misconfigured'],
  ['Token is required', 401, hec(2), 'misconfigured'],
  ['Invalid authorization', 401, hec(3), 'misconfigured'],
  ['Invalid token', 403, hec(4), 'misconfigured'],
  ['No data', 400, hec(5), 'misconfigured'],
  ['Invalid data format', 400, hec(6, { 'invalid-event-number': 1 }), 'reject_event', [1]],
  ['Invalid data format, of the first', 400, hec(6, { 'invalid-event-number': 0 }), 'reject_event', [0]],
  ['Invalid data format, of nobody knows what', 400, hec(6), 'reject_event', [0, 1, 2]],
  [
    'Invalid data format, of an event that was not sent',
    400,
    hec(6, { 'invalid-event-number': 3 }),
    'reject_event',
    [0, 1, 2],
  ],
  ['Incorrect index', 400, hec(7, { 'invalid-event-number': 0 }), 'misconfigured'],
  ['Internal server error', 500, hec(8), 'retry'],
  ['Server is busy', 503, hec(9), 'retry'],
  ['Data channel is missing', 400, hec(10), 'misconfigured'],
  ['Invalid data channel', 400, hec(11), 'misconfigured'],
  ['Event field is required', 400, hec(12, { 'invalid-event-number': 2 }), 'reject_event', [2]],
  ['Event field cannot be blank', 400, hec(13, { 'invalid-event-number': 2 }), 'reject_event', [2]],
  ['ACK is disabled', 400, hec(14), 'misconfigured'],
  ['Error in handling indexed fields', 400, hec(15, { 'invalid-event-number': 1 }), 'reject_event', [1]],
  ['Query string authorization is not enabled', 400, hec(16), 'misconfigured'],
  ['HEC is unhealthy, queues are full', 503, hec(18), 'retry'],
  ['HEC is unhealthy, ack service unavailable', 503, hec(19), 'retry'],
  ['HEC is unhealthy, queues are full, ack service unavailable', 503, hec(20), 'retry'],
  ['Server is shutting down', 503, hec(23), 'retry'],
  ['too many requests', 429, '', 'retry'],
  ['more than max_content_length', 413, '<html>', 'split'],
  ['a login page', 200, '<html>', 'misconfigured'],
  ['a 200 that is no success', 200, hec(9), 'misconfigured'],
  ['a balancer without a server', 502, '<html>', 'retry'],
  ['a redirect', 303, '', 'misconfigured'],
];

/** Datadog, "Send logs", v2. */
const datadog: readonly Row[] = [
  ['Accepted', 202, {}, 'delivered'],
  ['Bad request', 400, { errors: [{ status: '400' }] }, 'reject_event', [0, 1, 2]],
  ['Unauthorized', 401, {}, 'misconfigured'],
  ['Permission issue', 403, {}, 'misconfigured'],
  ['Request timeout', 408, {}, 'retry'],
  ['Payload too large', 413, {}, 'split'],
  ['Too many requests', 429, {}, 'retry'],
  ['Internal server error', 500, {}, 'retry'],
  ['Service unavailable', 503, {}, 'retry'],
];

const items = (...statuses: number[]) => ({
  errors: statuses.some((status) => status >= 300),
  items: statuses.map((status) => ({
    create: { status, ...(status < 300 ? {} : { error: { type: 'some_exception' } }) },
  })),
});

/** Elasticsearch and OpenSearch, "Bulk". */
const elastic: readonly Row[] = [
  ['all created', 200, items(201, 201, 201), 'delivered'],
  ['some there already', 200, items(409, 201, 409), 'delivered'],
  ['all there already', 200, items(409, 409, 409), 'delivered'],
  ['one rejected by a full queue', 200, items(201, 429, 201), 'retry'],
  ['one whose shard is away', 200, items(201, 503, 201), 'retry'],
  ['one that cannot be mapped', 200, items(201, 400, 409), 'reject_event', [1]],
  ['all that cannot be mapped', 200, items(400, 400, 400), 'reject_event', [0, 1, 2]],
  ['one too large', 200, items(201, 201, 413), 'reject_event', [2]],
  ['one unmappable, one for later: later comes first', 200, items(400, 201, 429), 'retry'],
  ['no right to create', 200, items(403, 403, 403), 'misconfigured'],
  ['no such index', 200, items(404, 404, 404), 'misconfigured'],
  ['fewer items than were sent', 200, items(201, 201), 'misconfigured'],
  ['no items', 200, { errors: false }, 'misconfigured'],
  ['items of another action', 200, { errors: false, items: [{ index: { status: 201 } }] }, 'misconfigured'],
  ['a login page', 200, '<html>', 'misconfigured'],
  ['an answer that was cut off', 200, '{"errors":false,"items":[{"create":{"sta', 'misconfigured'],
  ['another success', 204, '', 'misconfigured'],
  ['a malformed request', 400, { error: {} }, 'misconfigured'],
  ['no credential', 401, {}, 'misconfigured'],
  ['no privilege', 403, {}, 'misconfigured'],
  ['more than http.max_content_length', 413, '', 'split'],
  ['circuit breaker, indexing pressure', 429, {}, 'retry'],
  ['no master', 503, {}, 'retry'],
];

const webhook: readonly Row[] = [
  ['taken', 204, '', 'delivered'],
  ['too large', 413, '', 'split'],
  ['gone', 410, '', 'gone'],
  ['something in it is refused', 400, '', 'reject_event', [0, 1, 2]],
  ['something in it cannot be processed', 422, '', 'reject_event', [0, 1, 2]],
  ['forbidden', 403, '', 'misconfigured'],
  ['busy', 503, '', 'retry'],
];

/** What a receiver may put where a text or a number belongs. */
const anything = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>({ toString: null }, { toString: 'x', valueOf: null }),
);
const item = fc.record({ status: fc.oneof(fc.integer(), anything), error: fc.record({ type: anything }) });
/** The forms that policies look into, with anything in them. */
const inForm = fc.oneof(
  fc.record({ items: fc.array(fc.record({ create: fc.oneof(item, anything) }), { maxLength: 4 }) }),
  fc.record({ code: fc.oneof(fc.integer(), anything), 'invalid-event-number': anything }),
);
const nested = (inside: string): string => `${'['.repeat(50_000)}${inside}${']'.repeat(50_000)}`;
const elasticErrorOf = (type: string): string => `{"items":[{"create":{"status":400,"error":{"type":${type}}}}]}`;
const bodies = fc.oneof(
  fc.json(),
  inForm.map((value) => JSON.stringify(value)),
  fc.constantFrom(nested('0'), ...['{"toString":null}', nested('0')].map(elasticErrorOf)),
);

const tables: Record<SinkType, readonly Row[]> = { webhook, splunk_hec: splunk, datadog, elastic_bulk: elastic };
const types = Object.keys(tables) as SinkType[];

describe.each(types)('%s', (type) => {
  const rows = tables[type].map(
    ([name, status, body, kind, indices = null]) => [name, status, body, kind, indices] as const,
  );
  test.each(rows)('%s (%i)', (_name, status, body, kind, indices) => {
    const verdict = verdictOf(type, answered(status, body), 3);
    // What a sink names one by one, it has judged one by one; HEC goes through them in order.
    const hasTaken = indices !== null && indices.length < 3 && indices[0] !== 0;
    const isInOrder = type === 'splunk_hec' && indices?.length === 1 ? { isInOrder: true } : {};
    const which = indices === null ? {} : { indices, hasTaken, ...isInOrder };
    expect(verdict).toEqual({ kind, error: expect.any(String), ...which });
    expect(verdict.error === '').toBe(kind === 'delivered');
  });

  test('no answer at all is for later, or for somebody to mend', () => {
    expect(verdictOf(type, { kind: 'failed', error: 'timeout' }, 3)).toEqual({ kind: 'retry', error: 'timeout' });
    expect(verdictOf(type, { kind: 'failed', error: 'secret_unavailable' }, 3)).toEqual({
      kind: 'misconfigured',
      error: 'secret_unavailable',
    });
  });

  test('I6: whatever a server in between answers, only a success can be delivered', () => {
    for (let status = 100; status < 600; status += 1) {
      for (const body of ['', 'null', '[]', '{}', '{"code":0}', JSON.stringify(items(201, 201, 201))]) {
        const { kind } = verdictOf(type, answered(status, body), 3);
        if (status < 200 || status >= 300) expect([status, body, kind]).not.toEqual([status, body, 'delivered']);
      }
    }
  });

  test('I7: nothing that a receiver answers is too strange to be judged', () => {
    const statuses = fc.oneof(fc.constantFrom(200, 400), fc.integer({ min: 100, max: 599 }));
    fc.assert(
      fc.property(statuses, bodies, fc.integer({ min: 0, max: 4 }), (status, body, eventCount) => {
        const verdict = verdictOf(type, answered(status, body), eventCount);
        expect(verdict.error === '').toBe(verdict.kind === 'delivered');
        expect(verdict.error.length).toBeLessThan(100);
      }),
    );
  });
});
