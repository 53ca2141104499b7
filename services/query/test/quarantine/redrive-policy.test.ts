import { idFromIdempotencyKey, nilId, parseEvent, type AuditEvent } from '@docket/event';
import { describe, expect, test } from '@jest/globals';
import type { OperatorRecordRow } from '../../src/quarantine/quarantine-sql-mapper.ts';
import { redriveOf, type RedriveRequest } from '../../src/quarantine/redrive-policy.ts';

const receivedAtMs = Date.UTC(2026, 10, 1);
const ownId = '0199f3c2-0000-7000-8000-00000000000a';
const otherId = '0199f3c2-0000-7000-8000-00000000000b';
const input = { tenant_id: 'acme', action: 'user.created', actor: { type: 'user', id: 'u_1' } };

const row = (changed: Partial<OperatorRecordRow> = {}): OperatorRecordRow => ({
  log: 'acme',
  seq: 7,
  id: nilId,
  status_detail: 'invalid: /action must match',
  received_at_ms: receivedAtMs,
  schema_id: 1,
  src_generation: 1,
  src_partition: 3,
  src_offset: 100,
  raw_base64: '',
  ...changed,
});

function eventOf(id: string): AuditEvent {
  const parsed = parseEvent({ ...input, id }, receivedAtMs, id);
  if (!parsed.ok) throw new Error('the test’s event is invalid');
  return parsed.event;
}

const redrive = (changed: Partial<RedriveRequest>) =>
  redriveOf({
    row: row(),
    readable: null,
    unreadable: 'undecodable: it is garbage',
    given: undefined,
    ingest: { key_id: 'k', received_from: '203.0.113.7' },
    nowMs: Date.UTC(2026, 10, 28),
    ...changed,
  });

describe('a redrive', () => {
  test('is the corrected event, marked with its record, at the time when that arrived', () => {
    expect(redrive({ given: { ...input, metadata: { plan: 'pro' } } })).toMatchObject({
      ok: true,
      event: {
        tenant_id: 'acme',
        occurred_at: receivedAtMs * 1_000,
        metadata: { plan: 'pro', _redrive_of: '7' },
        ingest: { key_id: 'k', received_from: '203.0.113.7' },
      },
    });
  });

  test('is the record itself where that can be read by now, with its own id', () => {
    const readable = eventOf(ownId);
    expect(redrive({ readable })).toMatchObject({ ok: true, event: { id: ownId, metadata: { _redrive_of: '7' } } });
    expect(redrive({})).toMatchObject({ ok: false, errors: [{ detail: expect.stringContaining('garbage') }] });
  });

  test.each<[string, Partial<RedriveRequest>, string]>([
    ['the record’s, as it was read in its day', { row: row({ id: ownId }), readable: eventOf(otherId) }, ownId],
    ['the record’s, as it can be read now', { readable: eventOf(otherId) }, otherId],
    ['derived from its place', {}, idFromIdempotencyKey('acme', '7', -1)],
  ])('has the same id each time: %s', (_name, changed, id) => {
    for (const description of ['one', 'another'])
      expect(redrive({ ...changed, given: { ...input, description } })).toMatchObject({ ok: true, event: { id } });
    expect(redrive({ ...changed, given: { ...input, id: id.toUpperCase() } })).toMatchObject({ ok: true });
    expect(redrive({ ...changed, given: { ...input, id: '0199f3c2-0000-7000-8000-0000000000ff' } })).toMatchObject({
      ok: false,
      errors: [{ pointer: '/id' }],
    });
  });

  test('knows the id that it had before its record could be read', () => {
    const before = redrive({ given: input });
    const later = redrive({ readable: eventOf(ownId), given: input });
    expect(before.ok && later.ok && later.ids.includes(before.event.id)).toBe(true);
  });

  test('in a tenant’s log may leave tenant_id out; in a stray log it says no more than that it came from elsewhere (I5)', () => {
    const { tenant_id: _, ...rest } = input;
    expect(redrive({ given: rest })).toMatchObject({ ok: true, event: { tenant_id: 'acme' } });
    expect(redrive({ row: row({ log: '!p3' }), given: rest })).toMatchObject({
      ok: false,
      errors: [{ pointer: '/tenant_id' }],
    });
    for (const from of [row({ log: '!p3' }), row({ log: 'globex' })]) {
      const made = redrive({ row: from, given: input });
      expect(made).toMatchObject({ ok: true, event: { metadata: { _redrive_of: 'a record of another log' } } });
      expect(JSON.stringify(made.ok && made.event)).not.toMatch(/!p3|globex/);
    }
  });

  test.each<[string, unknown, string]>([
    ['a reserved action', { ...input, action: 'docket.log.searched' }, '/action'],
    ['a reserved tenant', { ...input, tenant_id: 'docket.operators' }, '/tenant_id'],
    ['an invalid field', { ...input, outcome: 'perhaps' }, '/outcome'],
    [
      'no room for the mark',
      { ...input, metadata: Object.fromEntries(Array.from({ length: 64 }, (_, n) => [`k${n}`, 1])) },
      '/metadata',
    ],
    ['metadata that is none', { ...input, metadata: 7 }, '/metadata'],
    ['something else', [input], ''],
  ])('with %s is refused where it is wrong', (_name, given, pointer) => {
    expect(redrive({ given })).toMatchObject({ ok: false, errors: [{ pointer }] });
  });
});
