import { expect, test } from '@jest/globals';

import { auditEventType, encodeEvent } from '../../src/avro-codec.ts';
import { createChance, eventFrom } from '../event-maker.ts';

const arrivalMs = Date.UTC(2026, 10, 23);

test('bytes are those of avsc, whatever the event', () => {
  const chance = createChance(7);
  for (let n = 0; n < 4_000; n += 1) {
    const event = eventFrom(chance, 'acme', arrivalMs);
    const [ours, theirs] = [encodeEvent(event), auditEventType.toBuffer(event)];
    if (!ours.equals(theirs)) throw new Error(`other bytes for ${JSON.stringify(event)}`);
  }
});

test('lengths around where a length takes another byte, in texts of every width', () => {
  const event = eventFrom(createChance(1), 'acme', arrivalMs);
  for (const unit of ['a', 'é', '語', '👩']) {
    for (const length of [0, 1, 15, 16, 20, 21, 22, 31, 32, 63, 64, 65, 8_191, 8_192]) {
      const changed = { ...event, description: unit.repeat(length), metadata: { k: `${unit.repeat(length)}a` } };
      expect(encodeEvent(changed).equals(auditEventType.toBuffer(changed))).toBe(true);
    }
  }
});

test.each<[string, object]>([
  ['a missing text', { action: undefined }],
  ['a number for a text', { action: 5 }],
  ['no such symbol', { outcome: 'perhaps' }],
  ['a fraction', { source: { service: '', version: '', instance: '', counter: 1.5 } }],
  ['more than a number holds', { occurred_at: 2 ** 53 }],
  ['a seed of another length', { commitment_seed: Buffer.alloc(15) }],
])('%s is a bug, and throws', (_what, change) => {
  const event = eventFrom(createChance(1), 'acme', arrivalMs);
  expect(() => encodeEvent(Object.assign({ ...event }, change))).toThrow(TypeError);
});
