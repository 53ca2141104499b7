import { expect, test } from '@jest/globals';

import { firstCursor } from '../../src/cursors/cursor-mapper.ts';
import { createTailBuffer } from '../../src/log/tail-buffer.ts';
import {
  generation,
  growTail,
  kafkaOf,
  partition,
  sourceOf,
  storedLogOf,
  subscriptionOf,
  wanted,
} from '../log-for-tests.ts';

const kafka = kafkaOf(
  Array.from({ length: 12 }, () => 'acme'),
  [0],
);

/** All that a replay of 3..toSeq sends, with batches of two events. */
async function replayed(toSeq: number, from: { readonly stored: number; readonly cut: number | null }) {
  const stored = storedLogOf({ kafka, stored: from.stored, firstSeq: 1, through: undefined }, () => 0);
  const source = sourceOf(stored);
  const tail = createTailBuffer({ partition, partitions: 1, fromOffset: 0, bytesMax: 1_000_000 });
  tail.watch('acme');
  growTail(tail, kafka, 12);
  const subscription = { ...subscriptionOf(2), replay: { of: 'sub_0', to_seq: toSeq }, start_after_seq: 2 };
  let cursor = { ...firstCursor(2, generation), offset: from.cut };
  const bodies: unknown[] = [];
  for (let round = 0; round < 20; round += 1) {
    const request = { subscription, tail, cursor, ...wanted, isProofDue: true };
    const { result, batch } = await source.read(request);
    if (result.kind !== 'batch' || batch === undefined) return { bodies, last: result };
    bodies.push(JSON.parse(batch.body.toString()));
    cursor = { ...cursor, seq: batch.toSeq, eventSeq: batch.eventSeq, offset: result.offset };
  }
  throw new Error('it does not end');
}

test.each([
  ['from ClickHouse', { stored: 12, cut: null }],
  ['from the tail', { stored: 0, cut: 1 }],
] as const)(
  'a replay %s sends its range, all of it tagged, and nothing behind it, not even a proof',
  async (_where, from) => {
    const { bodies, last } = await replayed(7, from);
    const batches = bodies.map((body) => Object(body).data);
    expect(batches.map(({ replay, batch }) => [replay, batch.from_seq, batch.to_seq])).toEqual([
      ['range', 3, 4],
      ['range', 5, 6],
      ['range', 7, 7],
    ]);
    const events = batches.flatMap((data) => [...data.events]);
    expect(events.map(({ seq, prev_seq: prev, replay }) => [seq, prev, replay])).toEqual(
      [3, 4, 5, 6, 7].map((seq) => [seq, seq === 3 ? 0 : seq - 1, 'range']),
    );
    expect(last).toEqual({ kind: 'nothing', offset: null });
  },
);
