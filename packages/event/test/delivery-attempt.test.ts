import { describe, expect, test } from '@jest/globals';
import { deliveryAttemptAvro } from '@docket/schemas';
import fc from 'fast-check';

import { avroLongMax } from '../src/audit-event.ts';
import { createDeliveryAttemptDecoder, deliveryOutcomes, encodeDeliveryAttempt } from '../src/delivery-attempt.ts';
import type { DeliveryAttempt } from '../src/delivery-attempt.ts';

const natural = fc.nat();
const long = fc.maxSafeNat().map((n) => Math.min(n, avroLongMax));
const attempts: fc.Arbitrary<DeliveryAttempt> = fc.record({
  attempt_id: fc.uuid(),
  tenant_id: fc.string({ minLength: 1 }),
  subscription_id: fc.string({ minLength: 1 }),
  from_seq: long,
  to_seq: long,
  event_count: natural,
  body_bytes: natural,
  try: natural,
  started_at: long,
  duration_ms: natural,
  outcome: fc.constantFrom(...deliveryOutcomes),
  http_status: fc.integer({ min: 0, max: 599 }),
  error: fc.string(),
  answer_excerpt: fc.string(),
});

describe('a delivery attempt', () => {
  test('comes out of Avro as it went in', () => {
    const decode = createDeliveryAttemptDecoder(deliveryAttemptAvro);
    fc.assert(
      fc.property(attempts, (attempt) => {
        expect({ ...decode(encodeDeliveryAttempt(attempt)) }).toEqual(attempt);
      }),
    );
  });

  test('every enum has a default symbol, so that a later one can be read by an earlier reader', () => {
    const enums = JSON.stringify(deliveryAttemptAvro).match(/"type":"enum"[^}]*/g) ?? [];
    expect(enums).toHaveLength(1);
    for (const text of enums) expect(text).toContain('"default"');
  });
});
