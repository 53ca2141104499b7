import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { partsOfGone, rowsOfGoneSeqs } from '../../src/accept-loss/lost-rows-mapper.ts';
import type { GoneSeqs } from '../../src/repair/missing-policy.ts';

const place = { generation: 1, partition: 0, acceptedAtMs: 0 };
const goneSeqs: fc.Arbitrary<GoneSeqs> = fc
  .record({
    log: fc.constantFrom('a', 'b'),
    fromSeq: fc.integer({ min: 1, max: 50 }),
    more: fc.nat(30),
    afterOffset: fc.nat(99),
  })
  .map(({ log, fromSeq, more, afterOffset }) => ({ log, fromSeq, toSeq: fromSeq + more, afterOffset }));

test('parts have the same rows in the same order, none too many of them and none too many ranges', () => {
  const whereIs = (gone: GoneSeqs): string[] =>
    rowsOfGoneSeqs(place, gone).map(({ tenant_id: log, seq, src_offset: offset }) => `${log}/${seq} at ${offset}`);
  const max = fc.record({ rows: fc.integer({ min: 1, max: 20 }), ranges: fc.integer({ min: 1, max: 4 }) });
  fc.assert(
    fc.property(fc.array(goneSeqs), max, (gone, most) => {
      const parts = [...partsOfGone(gone, most)];
      expect(parts.flat().flatMap(whereIs)).toEqual(gone.flatMap(whereIs));
      for (const part of parts) {
        expect(part.length).toBeLessThanOrEqual(most.ranges);
        expect(part.flatMap(whereIs).length).toBeLessThanOrEqual(most.rows);
        expect(part).not.toEqual([]);
      }
    }),
  );
});
