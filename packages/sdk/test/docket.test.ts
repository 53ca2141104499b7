import { describe, expect, jest, test } from '@jest/globals';
import {
  type AuditContext,
  createDocket,
  defineActions,
  redactKeys,
  withAuditContext,
  type EventInput,
} from '../src/index.ts';
import { accept, actor, createRecorders, recordMany } from './recorders-for-tests.ts';
import { type Behaviour, problem } from './scripted-gateway.ts';

const rejecting = (): Promise<void> => Promise.reject(new Error('from the application'));

const { gatewayThat, docketFor } = createRecorders();

describe('record', () => {
  test('sends what was recorded, in order, with key, time, source and a running number for each tenant', async () => {
    const gateway = await gatewayThat(() => accept);
    const { docket } = docketFor(gateway);
    const outcomes = await recordMany(docket, 3);
    await docket.record({ action: 'other.tenant', actor, tenant_id: 'globex' });
    expect(await docket.flush()).toEqual({ ok: true });

    const events = gateway.requests.flatMap((request) => request.events);
    expect(outcomes).toEqual(events.slice(0, 3).map(({ id }) => ({ ok: true, id, kept: 'disk' })));
    expect(events.map((event) => [event.tenant_id, event.action, event.source.counter])).toEqual([
      ['acme', 'step.n0', 1],
      ['acme', 'step.n1', 2],
      ['acme', 'step.n2', 3],
      ['globex', 'other.tenant', 1],
    ]);
    expect(events[0]?.source).toEqual({
      service: 'test',
      version: '1',
      instance: expect.stringMatching(/^one\.[0-9a-f]{8}$/),
      counter: 1,
    });
    expect(Math.abs(Date.parse(events[0]?.occurred_at ?? '') - Date.now())).toBeLessThan(60_000);
    expect(gateway.requests[0]?.path).toBe('/v1/events');
    expect(gateway.requests[0]?.headers['authorization']).toBe('Bearer dk_test_secret');
  });

  test('what the application changes after the call is not sent', async () => {
    const gateway = await gatewayThat(() => accept);
    const { docket } = docketFor(gateway);
    const input = { action: 'before', actor };
    await docket.record(input);
    input.action = 'after';
    await docket.flush();
    expect(gateway.requests[0]?.events[0]?.action).toBe('before');
  });

  test.each<[string, Behaviour]>([
    ['500', { kind: 'answer', status: 500 }],
    ['503', { kind: 'answer', status: 503 }],
    ['429 with Retry-After', { kind: 'answer', status: 429, headers: { 'retry-after': '0' } }],
    ['a reset', { kind: 'reset' }],
    ['an answer that is lost after the events were taken', { kind: 'accept_then_reset' }],
    ['no answer', { kind: 'hang' }],
  ])('%s: the same events are sent again with the same ids, and everything arrives in order', async (_name, bad) => {
    const gateway = await gatewayThat((index) => (index < 2 ? bad : accept));
    const { docket, failures } = docketFor(gateway, { requestTimeoutMs: 100, batch: { eventsMax: 4 } });
    const outcomes = await recordMany(docket, 10);
    expect(await docket.flush()).toEqual({ ok: true });

    const ids = outcomes.map((outcome) => (outcome.ok ? outcome.id : 'failed'));
    expect([...new Set(gateway.taken)]).toEqual(ids);
    expect(gateway.requests.slice(0, 3).map((request) => request.events.map(({ id }) => id))).toEqual(
      Array(3).fill(ids.slice(0, 4)),
    );
    expect(failures.map(({ reason }) => reason)).toEqual(['unavailable', 'unavailable']);
    expect(docket.stats()).toMatchObject({ accepted: 10, refused: 0, queuedEvents: 0, queuedBytes: 0 });
  });

  test('a long batch is sent compressed, a short one as it is', async () => {
    const gateway = await gatewayThat(() => accept);
    const { docket } = docketFor(gateway);
    await docket.record({ action: 'short', actor });
    await docket.flush();
    await docket.record({ action: 'long', actor, description: 'words '.repeat(500) });
    await docket.flush();
    expect(gateway.requests.map(({ headers }) => headers['content-encoding'])).toEqual([undefined, 'gzip']);
    expect(gateway.requests[1]?.events[0]?.action).toBe('long');
  });

  test('Retry-After is a lower bound of the wait', async () => {
    const gateway = await gatewayThat((index) =>
      index === 0 ? { kind: 'answer', status: 429, headers: { 'retry-after': '1' } } : accept,
    );
    const { docket } = docketFor(gateway);
    await docket.record({ action: 'a', actor });
    await docket.flush();
    const [first, second] = gateway.requests;
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(990);
  });

  test('I8: without a spool, full memory answers spool_full at once, below it everything is taken', async () => {
    const gateway = await gatewayThat(() => ({ kind: 'hang' }));
    const { docket, failures } = docketFor(gateway, { spool: false, memory: { eventsMax: 3 } });
    const outcomes = await recordMany(docket, 4);
    expect(outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.reason))).toEqual(['ok', 'ok', 'ok', 'spool_full']);
    expect(failures.map(({ reason }) => reason)).toEqual(['spool_full']);
    expect(docket.stats()).toMatchObject({ queuedEvents: 3, queuedInMemory: 3, rejected: { spool_full: 1 } });
  });

  test('an event without tenant, actor or action, too long, or without a JSON form is a value, never an exception', async () => {
    const { docket } = docketFor({ url: 'http://127.0.0.1:9' }, { tenantId: undefined, batch: { bytesMax: 4000 } });
    const circular: { self?: unknown } = {};
    circular.self = circular;
    const outcomes = await Promise.all([
      docket.record({ action: 'a', actor }),
      docket.record({ action: 'a', tenant_id: 't' }),
      docket.record({ action: '', tenant_id: 't', actor }),
      docket.record({ action: 'a', tenant_id: 't', actor, occurred_at: new Date(Number.NaN) }),
      docket.record({ action: 'a', tenant_id: 't', actor, changes: [{ path: 'p', new: circular }] }),
      docket.record({ action: 'a', tenant_id: 't', actor, changes: [{ path: 'p', new: 1n }] }),
      docket.record({ action: 'a', tenant_id: 't', actor, description: 'x'.repeat(3000) }),
    ]);
    expect(outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.reason))).toEqual([
      ...Array(6).fill('invalid'),
      'too_large',
    ]);
  });

  test('a tenant that is no text is a value, wherever it comes from, and nothing is left waiting for it', async () => {
    const gateway = await gatewayThat(() => accept);
    const { docket } = docketFor(gateway);
    // As an id of a database has it.
    const objectId = { toJSON: () => '64b7f0c2', toString: () => '64b7f0c2' };
    for (const tenantId of [objectId, 7, true]) {
      const event: EventInput = { action: 'a.b', actor };
      const scope: AuditContext = {};
      // As JavaScript may: the types do not let it.
      Object.assign(event, { tenant_id: tenantId });
      Object.assign(scope, { tenantId });
      for (const outcome of [
        await docket.record(event),
        await withAuditContext(scope, () => docket.record({ action: 'a.b', actor })),
      ]) {
        const detail = 'tenant_id of a.b is no string: give its text, such as String(id)';
        expect(outcome).toEqual({ ok: false, reason: 'invalid', detail, id: undefined });
      }
      expect(() => docketFor(gateway, scope)).toThrow('createDocket: tenantId is no string');
    }
    expect(await docket.close()).toEqual({ ok: true });
  });

  test('a tenant that is sent with another text than it was given is waited for by what is sent', async () => {
    const gateway = await gatewayThat(() => accept);
    const { docket } = docketFor(gateway);
    await docket.record({ action: 'a', actor, tenant_id: 'a\ud800' });
    expect(await docket.flush({ deadlineMs: 2_000 })).toEqual({ ok: true });
    expect(gateway.requests[0]?.events[0]?.tenant_id).toBe('a\ufffd');
  });

  test('a hook that is async and rejects does not end the process', async () => {
    const { docket } = docketFor({ url: 'http://127.0.0.1:9' }, { onFailure: rejecting });
    const warned = new Promise<string>((resolve) => {
      jest.spyOn(process, 'emitWarning').mockImplementationOnce((warning) => resolve(String(warning)));
    });
    await docket.record({ action: '', actor });
    expect(await warned).toBe('onFailure threw: Error: from the application');
  });

  test('an event that throws what has no text when it is read is a value, never an exception', async () => {
    const { docket } = docketFor({ url: 'http://127.0.0.1:9' });
    const hostile = {
      get action(): string {
        throw Object.create(null);
      },
      actor,
    };
    expect(await docket.record(hostile)).toMatchObject({ ok: false, reason: 'invalid' });
  });

  test('a hook that throws does not stop the sender', async () => {
    const gateway = await gatewayThat((index) => (index === 0 ? { kind: 'answer', status: 500 } : accept));
    const { docket } = docketFor(gateway, {
      onFailure: () => {
        throw new Error('from the application');
      },
    });
    await docket.record({ action: 'a', actor });
    expect(await docket.flush()).toEqual({ ok: true });
  });
});

describe('recordNow', () => {
  test('what is recorded at the very moment that the spool runs empty is sent too', async () => {
    const gateway = await gatewayThat(() => accept);
    const { docket } = docketFor(gateway);
    for (let i = 0; i < 4; i += 1) {
      expect(await docket.recordNow({ action: `step.n${i}`, actor }, { deadlineMs: 2_000 })).toMatchObject({
        ok: true,
      });
    }
  });

  test('resolves when the gateway has the event', async () => {
    const gateway = await gatewayThat((index) => (index === 0 ? { kind: 'reset' } : accept));
    const { docket } = docketFor(gateway);
    const outcome = await docket.recordNow({ action: 'a', actor, id: '0199f3c2-0000-7000-8000-000000000001' });
    expect(outcome).toEqual({ ok: true, id: '0199f3c2-0000-7000-8000-000000000001', kept: 'disk' });
    expect(gateway.taken).toEqual(['0199f3c2-0000-7000-8000-000000000001']);
  });

  test('says deadline when there is no confirmation, and the event arrives all the same', async () => {
    let isUp = false;
    const gateway = await gatewayThat(() => (isUp ? accept : { kind: 'answer', status: 503 }));
    const { docket } = docketFor(gateway);
    const outcome = await docket.recordNow({ action: 'a', actor }, { deadlineMs: 30 });
    expect(outcome).toMatchObject({ ok: false, reason: 'deadline' });
    isUp = true;
    expect(await docket.flush()).toEqual({ ok: true });
    expect(gateway.taken).toEqual([outcome.id]);
  });

  test('says refused and why', async () => {
    const gateway = await gatewayThat(() => problem(403, 'tenant_not_allowed'));
    const { docket } = docketFor(gateway);
    expect(await docket.recordNow({ action: 'a', actor })).toMatchObject({
      ok: false,
      reason: 'refused',
      detail: 'HTTP 403; tenant_not_allowed',
    });
  });
});

describe('close', () => {
  test('sends what waits, then takes nothing more', async () => {
    const gateway = await gatewayThat(() => accept);
    const { docket } = docketFor(gateway);
    await recordMany(docket, 5);
    expect(await docket.close()).toEqual({ ok: true });
    expect(gateway.taken).toHaveLength(5);
    expect(await docket.record({ action: 'late', actor })).toMatchObject({ ok: false, reason: 'closed' });
  });

  test('ends at its deadline and says how many events it leaves', async () => {
    const gateway = await gatewayThat(() => ({ kind: 'hang' }));
    const { docket } = docketFor(gateway);
    await recordMany(docket, 5);
    expect(await docket.close({ deadlineMs: 20 })).toEqual({ ok: false, reason: 'deadline', pending: 5 });
  });
});

describe('strict', () => {
  test('rejects where record would answer no, and for an action that the catalogue lacks', async () => {
    const gateway = await gatewayThat(() => accept);
    const { docket } = docketFor(gateway, { strict: true, actions: defineActions({ 'a.known': {} }) });
    await expect(docket.record({ action: 'a.known' })).rejects.toThrow('invalid: actor is missing');
    await expect(docket.record({ action: 'a.kown', actor })).rejects.toThrow('the catalogue has no action a.kown');
    expect(await docket.record({ action: 'a.known', actor })).toMatchObject({ ok: true });
  });
});

describe('actions and redact', () => {
  test('the declaration fills in what the event leaves out; what is to be hidden reaches neither disk nor network', async () => {
    const gateway = await gatewayThat(() => accept);
    const { docket } = docketFor(gateway, {
      actions: defineActions({ 'key.rotated': { category: 'configuration', operation: 'update', severity: 'high' } }),
      redact: redactKeys(['secret']),
    });
    const input = { action: 'key.rotated', actor, severity: 'low' as const, metadata: { secret: 'hunter2' } };
    await withAuditContext({ metadata: { SECRET: 'hunter3' } }, () => docket.record(input));
    await docket.flush();
    expect(gateway.requests[0]?.events[0]).toMatchObject({
      category: 'configuration',
      operation: 'update',
      severity: 'low',
      metadata: { secret: '[redacted]', SECRET: '[redacted]' },
    });
    expect(input.metadata.secret).toBe('hunter2');
  });

  test('what `redact` leaves out is gone; which event it is, whose, by whom and of when stays', async () => {
    const gateway = await gatewayThat(() => accept);
    const { docket } = docketFor(gateway, { redact: ({ action }) => ({ action, id: 'another', tenant_id: 'globex' }) });
    const outcome = await docket.record({ action: 'a', actor, tenant_id: 'acme', description: 'secret', metadata: { a: 'secret' }, occurred_at: '2026-11-29T00:00:00.000Z' }); // prettier-ignore
    await docket.flush();
    const id = outcome.ok ? outcome.id : '';
    expect(gateway.requests[0]?.events[0]).toEqual({ id, tenant_id: 'acme', action: 'a', actor, occurred_at: '2026-11-29T00:00:00.000Z', source: expect.anything() }); // prettier-ignore
  });

  test('an event that cannot be redacted, or of which nothing is left, is not recorded', async () => {
    const gateway = await gatewayThat(() => accept);
    const failing = (): never => {
      throw new Error('from the application');
    };
    for (const redact of [failing, () => JSON.parse('null') as EventInput]) {
      const { docket } = docketFor(gateway, { redact });
      expect(await docket.record({ action: 'a', actor })).toMatchObject({ ok: false, reason: 'invalid' });
    }
  });
});

test('createDocket refuses at once what can never work', () => {
  const source = { service: 's' };
  expect(() => createDocket({ url: 'docket.example', key: 'k', source })).toThrow(TypeError);
  expect(() => createDocket({ url: 'ftp://docket.example', key: 'k', source })).toThrow('http(s)');
  expect(() => createDocket({ url: 'http://localhost', key: '', source })).toThrow('key');
  expect(() => createDocket({ url: 'http://localhost', key: 'k', source, memory: { eventsMax: 0 } })).toThrow(
    'eventsMax',
  );
});
