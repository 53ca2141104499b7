import { describe, expect, test } from '@jest/globals';
import { auditEventAvro } from '@docket/schemas';
import { contentHashOf } from '../src/index.ts';
import { goldenEvent } from './golden.ts';

const event = goldenEvent('event');

describe('the content hash', () => {
  test('never changes: it is stored with every row (xxh64, seed 0, computed with another implementation)', () => {
    expect(contentHashOf(event)).toBe(1592055907287983492n);
    expect(contentHashOf(goldenEvent('event-minimal'))).toBe(10497995075933665681n);
  });

  test('leaves out what two deliveries of one event do not share, and what is compared beside it', () => {
    const again = {
      ...event,
      id: '0199f3c2-0000-7000-8000-000000000001',
      tenant_id: 'globex',
      commitment_seed: Buffer.alloc(16, 1),
      ingest: { key_id: 'k', received_from: '192.0.2.1' },
    };
    expect(contentHashOf(again)).toBe(contentHashOf(event));
  });

  test('does not depend on the order of keys', () => {
    const metadata = { b: '1', a: '2', 10: '3', 9: '4' };
    const turned = Object.fromEntries(Object.entries(metadata).toReversed());
    expect(contentHashOf({ ...event, metadata })).toBe(contentHashOf({ ...event, metadata: turned }));
  });

  test('differs when any of its fields does', () => {
    const hashes = [
      event,
      { ...event, occurred_at: null },
      { ...event, category: null },
      { ...event, description: '' },
      { ...event, actor: { ...event.actor, metadata: {} } },
      { ...event, resources: [] },
      { ...event, changes: event.changes.slice(1) },
      { ...event, metadata: { plan: 'free' } },
    ].map(contentHashOf);
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  test('covers the fields between tenant_id and commitment_seed; one that is added later: docs/decisions/0012', () => {
    const names = auditEventAvro.fields.map((field) => Reflect.get(Object(field), 'name'));
    expect(names.join(' ')).toBe(
      'id tenant_id occurred_at action category operation outcome outcome_reason severity actor on_behalf_of resources changes description context source metadata commitment_seed ingest',
    );
  });
});
