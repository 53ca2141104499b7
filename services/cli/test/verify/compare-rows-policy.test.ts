import { describe, expect, test } from '@jest/globals';
import { nilId, refusedRow, rowOfRecord, type EventRow } from '@docket/event';
import { compareRows, textOfRow } from '../../src/verify/compare-rows-policy.ts';

const id = '0199f3c2-0000-7000-8000-000000000001';
const value = Buffer.from('the record');
const place = { log: 'acme', seq: 7, receivedAtMs: 1000, schemaId: 3, generation: 1, partition: 2, offset: 41 };
const accepted: EventRow = {
  ...rowOfRecord({ ...place, status: 'accepted', statusDetail: '' }, id, null),
  action: 'user.created',
};
const refused = refusedRow(accepted, value, 'Code: 117');
const expected = [{ row: textOfRow(accepted), asRefused: () => textOfRow(refusedRow(accepted, value, '')) }];
const compare = (...stored: EventRow[]) => compareRows(2, expected, stored.map(textOfRow));
const kinds = (...stored: EventRow[]) => compare(...stored).findings.map(({ kind }) => kind);

describe('the row of a record', () => {
  test('is the recomputed one', () => expect(compare(accepted)).toEqual({ findings: [], refusedInTheirDay: 0 }));

  test.each<[string, EventRow]>([
    ['ClickHouse refused', refused],
    ['had a schema that nobody knew', { ...refused, status_detail: 'unknown_schema: schema id 3 is …', id: nilId }],
    ['had a MAC key that nobody knew', { ...refused, status_detail: 'unknown_mac_key: it is signed with …' }],
  ])('may be quarantined because it %s in its day: it is counted', (_name, row) => {
    expect(compare(row)).toEqual({ findings: [], refusedInTheirDay: 1 });
  });

  test.each<[string, EventRow]>([
    ['the record’s bytes', { ...refused, raw: Buffer.alloc(0) }],
    ['other bytes', { ...refused, raw: Buffer.from('another') }],
    ['an event’s content', { ...refused, action: 'user.created' }],
    ['its seq', { ...refused, seq: 8 }],
    ['its id', { ...refused, id: '0199f3c2-0000-7000-8000-000000000002' }],
    ['a reason that is recomputed', { ...refused, status_detail: 'invalid: …' }],
  ])('I2: a row that only says that it was refused, without or with %s, is different', (_name, row) => {
    expect(kinds(row)).toEqual(['different_row']);
  });

  test('cannot be judged when its MAC key is not known here, but was to the ingestor', () => {
    const unknown = { ...refused, status_detail: 'unknown_mac_key: it is signed with the key 0a0b0c0d' };
    const now = [{ row: textOfRow(unknown), asRefused: () => textOfRow(refused) }];
    const { findings } = compareRows(2, now, [textOfRow(accepted)]);
    expect(findings).toEqual([
      {
        kind: 'unverifiable',
        partition: 2,
        detail: expect.stringContaining('0a0b0c0d, which is not in DOCKET_MAC_KEYS'),
      },
    ]);
  });

  test('is missing, doubled, or of no record', () => {
    expect(kinds()).toEqual(['missing_row']);
    expect(kinds(accepted, accepted)).toEqual(['doubled_row']);
    expect(kinds(accepted, { ...accepted, src_offset: 42 })).toEqual(['extra_row']);
  });
});
