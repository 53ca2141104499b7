import { describe, expect, test } from '@jest/globals';
import { auditEventAvro } from '@docket/schemas';
import { createEventDecoder, encodeEvent, eventFromRow, toPublicEvent } from '../src/index.ts';
import { goldenArrivalMs, goldenEvent, goldenNames, goldenRow, goldenText, rowText } from './golden.ts';

describe.each(goldenNames)('golden %s', (name) => {
  test('its Avro bytes are fixed', () => {
    expect(encodeEvent(goldenEvent(name)).toString('hex')).toBe(goldenText(`${name}.avro.hex`));
  });

  test('its Avro bytes decode to the same event', () => {
    const decode = createEventDecoder(auditEventAvro);
    expect(decode(Buffer.from(goldenText(`${name}.avro.hex`), 'hex'))).toEqual(goldenEvent(name));
  });

  test('its row is fixed', () => {
    expect(rowText(goldenRow(name))).toBe(goldenText(`${name}.row.txt`));
  });

  test('its public form is fixed, and the same from the stored row and from Kafka', () => {
    const stored = { seq: 7, receivedAtMs: goldenArrivalMs, status: 'accepted' } as const;
    const fromRow = toPublicEvent(eventFromRow(goldenRow(name)), stored);
    expect(JSON.stringify(fromRow, null, 2)).toBe(goldenText(`${name}.public.json`));
    expect(JSON.stringify(toPublicEvent(goldenEvent(name), stored))).toBe(JSON.stringify(fromRow));
  });
});
