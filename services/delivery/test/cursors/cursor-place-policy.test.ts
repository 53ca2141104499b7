import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { StoredLog } from '../../src/log/clickhouse-log.ts';
import { firstCursor, inGeneration } from '../../src/cursors/cursor-mapper.ts';
import type { Cursor } from '../../src/cursors/cursor-mapper.ts';
import { isAtStart, placeInLog } from '../../src/cursors/cursor-place-policy.ts';
import { stepDelivery } from '../../src/machine/delivery-machine.ts';
import type { ReadRequest } from '../../src/log/log-read-mapper.ts';
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
import type { Place, World } from '../log-for-tests.ts';
import { nowMs, stateIn } from '../machine-for-tests.ts';

const never = new AbortController().signal;

/** What accept-loss makes of a partition: a row in place of all that was lost of a log, and seq goes on behind it. */
function afterLoss(kafka: readonly Place[], stored: number, lost: number): Place[] {
  const prefix = kafka.slice(0, stored);
  const [gone] = kafkaOf(['lost'], []);
  if (gone === undefined) throw new Error('no place');
  const seqs = new Map<string, number>();
  for (const { tenantId, seq } of prefix) seqs.set(tenantId, seq);
  const offset = (kafka[stored + lost]?.offset ?? 0) - 1;
  const rows = [...seqs].map(([tenantId, seq]) => ({ ...gone, tenantId, seq: seq + 1, offset }));
  for (const { tenantId, seq } of rows) seqs.set(tenantId, seq);
  const rest = kafka.slice(stored + lost).map((place) => {
    const seq = (seqs.get(place.tenantId) ?? 0) + 1;
    seqs.set(place.tenantId, seq);
    return { ...place, seq };
  });
  return [...prefix, ...rows, ...rest];
}

const scenario = fc.record({
  tenants: fc.array(fc.constantFrom('acme', 'acme', 'globex'), { minLength: 6, maxLength: 30 }),
  stored: fc.integer({ min: 1, max: 10 }),
  lost: fc.integer({ min: 1, max: 12 }),
  /** Records that had been delivered, and seen by the tail that there is now, and stored before delivery is looked at. */
  delivered: fc.integer({ min: 0, max: 30 }),
  tailFrom: fc.nat({ max: 30 }),
  caughtUp: fc.nat({ max: 30 }),
  isKnown: fc.boolean(),
  growth: fc
    .array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 5 })
    .filter((steps) => steps.some((step) => step > 0)),
  maxEvents: fc.integer({ min: 1, max: 8 }),
});

describe('I6: a delivery that was ahead of what was lost', () => {
  test('whatever was lost and wherever it stood: nothing that is left behind its place is never sent, and in the end all have the numbers of the log', async () => {
    let moves = 0;
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        const kafka = kafkaOf(given.tenants, []);
        const stored = Math.min(given.stored, kafka.length - 2);
        const lost = Math.min(given.lost, kafka.length - stored - 1);
        const log = afterLoss(kafka, stored, lost);
        const delivered = kafka.slice(0, Math.min(given.delivered, kafka.length));
        const at = delivered.findLast(({ tenantId }) => tenantId === 'acme');
        const offset = delivered.at(-1)?.offset ?? -1;
        let cursor: Cursor = { ...firstCursor(0, generation), seq: at?.seq ?? 0, offset, toldAtMs: 1 };
        let growth = 0;
        const rowsLost = log.length - (kafka.length - lost);
        const world: World = { kafka: log, stored: stored + rowsLost, firstSeq: 1, through: undefined };
        world.stored = Math.min(log.length, world.stored + given.caughtUp);
        const ports = storedLogOf(world, () => given.growth[growth++ % given.growth.length] ?? 0);
        if (given.isKnown) await ports.readThrough([partition], never);
        const source = sourceOf(ports);
        const tail = createTailBuffer({ partition, partitions: 1, fromOffset: given.tailFrom, bytesMax: 1_000_000 });
        tail.watch('acme');
        const sent = new Map<string, number>();
        const subscription = subscriptionOf(given.maxEvents);
        let quiet = 0;
        for (let round = 0; quiet < 25; round += 1) {
          if (round > 2_000) throw new Error('it does not come to rest');
          growTail(tail, kafka, 3);
          // As the run does it now and then.
          if (round % 10 === 9) await ports.readThrough([partition], never);
          const { result, batch } = await source.read({ ...wanted, subscription, tail, cursor });
          const isNews = result.kind === 'batch' || result.kind === 'renumbered';
          quiet = isNews || world.stored < log.length ? 0 : quiet + 1;
          if (result.kind === 'nothing' && result.offset !== null) cursor = { ...cursor, offset: result.offset };
          if (result.kind === 'renumbered') {
            moves += 1;
            const { reset } = cursor;
            const read = { type: 'read', result, jitter: 0 } as const;
            ({ cursor } = stepDelivery(stateIn('reading', { cursor }), read, nowMs).state);
            expect(cursor).toMatchObject({ reset: reset + 1, movedBack: { atMs: nowMs } });
          }
          if (result.kind !== 'batch' || batch === undefined) continue;
          const body = JSON.parse(batch.body.toString()) as { data: { events: { id: string; seq: number }[] } };
          for (const { id, seq } of body.data.events) sent.set(id, seq);
          cursor = { ...cursor, seq: result.toSeq, eventSeq: result.eventSeq, offset: result.offset };
        }
        const living = log.filter(({ tenantId }) => tenantId === 'acme');
        expect(cursor.seq).toBe(living.at(-1)?.seq ?? 0);
        for (const { event, offset: where } of kafka.slice(stored + lost))
          if (where > offset && event.tenant_id === 'acme') expect(sent.has(event.id)).toBe(true);
      }),
      { numRuns: 500 },
    );
    expect(moves).toBeGreaterThan(50);
  }, 60_000);

  test('in another generation of the topic: what was counted beyond the end of the one before does not exist', () => {
    const of = (seq: number): Cursor => ({ ...firstCursor(0, 1), seq, offset: 900, toldAtMs: 1 });
    const known = { generation: 2, through: 50, head: { firstSeq: 302, headSeq: 640, headOffset: 50 } };
    expect(placeInLog(inGeneration(of(500), 2), known, 0)).toEqual({ kind: 'renumbered', seq: 301 });
    expect(placeInLog(inGeneration(of(302), 2), known, 0)).toEqual({ kind: 'renumbered', seq: 301 });
    expect(placeInLog(inGeneration(of(301), 2), known, 0)).toEqual({ kind: 'open' });
    // As the machine goes on: a cursor of this generation.
    expect(placeInLog({ ...of(500), generation: 2, offset: 40 }, known, 0)).toEqual({ kind: 'open' });
  });

  test('what is merely not stored yet is no loss', () => {
    const ahead: Cursor = { ...firstCursor(0, 1), seq: 500, offset: 900, toldAtMs: 1 };
    const head = { firstSeq: 1, headSeq: 300, headOffset: 700 };
    for (const through of [undefined, 700, 899])
      expect(placeInLog(ahead, { generation: 1, through, head }, 0)).toEqual({ kind: 'open' });
    expect(placeInLog(ahead, { generation: 1, through: 900, head }, 0)).toEqual({ kind: 'renumbered', seq: 300 });
    const more = { firstSeq: 1, headSeq: 501, headOffset: 899 };
    expect(placeInLog(ahead, { generation: 1, through: 900, head: more }, 0)).toEqual({ kind: 'renumbered', seq: 500 });
    const farther = { ...head, headOffset: 950 };
    expect(placeInLog(ahead, { generation: 1, through: 960, head: farther }, 0)).toEqual({
      kind: 'renumbered',
      seq: undefined,
    });
  });
});

describe('I7: a subscription that starts beyond the end of its log', () => {
  const start = 10 ** 15;

  /** ClickHouse, which counts what it is asked. */
  function countedWorld() {
    const kafka = kafkaOf(['acme', 'globex', 'acme'], []);
    const world: World = { kafka, stored: 3, firstSeq: 1, through: undefined };
    const asked: string[] = [];
    const stored = storedLogOf(world, () => 0);
    const counted: StoredLog = {
      ...stored,
      rows: (...given) => (asked.push('rows'), stored.rows(...given)),
      texts: (...given) => (asked.push('texts'), stored.texts(...given)),
      bounds: (...given) => (asked.push('bounds'), stored.bounds(...given)),
      place: (...given) => (asked.push('place'), stored.place(...given)),
      refresh: (...given) => (asked.push('heads'), stored.refresh(...given)),
    };
    const tail = createTailBuffer({ partition, partitions: 1, fromOffset: 3, bytesMax: 1_000_000 });
    tail.watch('acme');
    const subscription = { ...subscriptionOf(10), start_after_seq: start };
    const request: ReadRequest = { ...wanted, subscription, tail, cursor: firstCursor(start, generation) };
    return { kafka, stored, asked, tail, request, source: sourceOf(counted) };
  }

  test('asks ClickHouse nothing, however often it looks, once its head is known', async () => {
    const { stored, asked, request, source } = countedWorld();
    await stored.readThrough([partition], never);
    for (let look = 0; look < 1_000; look += 1)
      expect(await source.read(request)).toMatchObject({ result: { kind: 'behind' } });
    expect(asked).toEqual([]);
  });

  test('has the heads read again, which is one question for all of a partition, when the log has grown; and is served from there', async () => {
    const { kafka, stored, asked, tail, request, source } = countedWorld();
    await stored.readThrough([partition], never);
    const more = [
      ...kafka,
      ...kafkaOf(['acme', 'acme', 'acme'], []).map((place) => ({ ...place, offset: place.offset + 3 })),
    ];
    growTail(tail, more, 3);
    expect(await source.read(request)).toMatchObject({ result: { kind: 'behind' } });
    expect(asked).toEqual(['heads']);
    const reached = { ...request, subscription: subscriptionOf(10), cursor: firstCursor(1, generation) };
    reached.subscription = { ...reached.subscription, start_after_seq: 1 };
    expect(await source.read(reached)).toMatchObject({ result: { kind: 'batch', toSeq: 2 } });
  });

  test('is no cursor that was lost: only what has never moved waits', () => {
    const first = firstCursor(start, generation);
    expect(isAtStart(first, start)).toBe(true);
    for (const moved of [{ reset: 1 }, { offset: 5 }, { toldAtMs: 1 }, { seq: start - 1 }])
      expect(isAtStart({ ...first, ...moved }, start)).toBe(false);
  });
});
