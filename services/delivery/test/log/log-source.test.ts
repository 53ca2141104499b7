import { describe, expect, test } from '@jest/globals';
import type { Subscription } from '@docket/directory';
import { checkBatchChain } from '@docket/testkit';
import fc from 'fast-check';

import type { StoredLog } from '../../src/log/clickhouse-log.ts';
import { firstCursor } from '../../src/cursors/cursor-mapper.ts';
import type { Cursor } from '../../src/cursors/cursor-mapper.ts';
import type { PartitionEnds } from '../../src/log/partition-ends.ts';
import { noneSkipped } from '../../src/batches/skipped-counts.ts';
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

/** Every true cut of a cursor at `seq`. */
function cutsOf(kafka: readonly Place[], seq: number): number[] {
  const log = kafka.filter(({ tenantId }) => tenantId === 'acme');
  const from = log.find((place) => place.seq === seq)?.offset ?? -1;
  const to = log.find((place) => place.seq === seq + 1)?.offset ?? (kafka.at(-1)?.offset ?? -1) + 1;
  return Array.from({ length: to - from }, (_, index) => from + index);
}

const scenario = fc.record({
  tenants: fc.array(fc.constantFrom('acme', 'acme', 'globex', 'initech'), { minLength: 1, maxLength: 40 }),
  gaps: fc.array(fc.nat({ max: 2 }), { maxLength: 5 }),
  stored: fc.nat({ max: 40 }),
  through: fc.option(fc.nat({ max: 40 })),
  tailFrom: fc.nat({ max: 45 }),
  tailBytes: fc.constantFrom(1_000, 3_000, 1_000_000),
  seq: fc.nat({ max: 20 }),
  cut: fc.option(fc.nat({ max: 50 })),
  maxEvents: fc.integer({ min: 1, max: 8 }),
  firstSeq: fc.constantFrom(1, 1, 1, 3),
  growth: fc
    .array(fc.nat({ max: 6 }), { minLength: 1, maxLength: 6 })
    .filter((steps) => steps.some((step) => step > 0)),
  isRetried: fc.boolean(),
  rowsMax: fc.constantFrom(1, 2, 5, 200),
});

describe('I3, I6: the tail and ClickHouse join without a seam', () => {
  test('wherever a cursor is, whatever each side holds and however both grow meanwhile: every seq once, in order, with its own event', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        const kafka = kafkaOf(given.tenants, given.gaps);
        const log = kafka.filter(({ tenantId }) => tenantId === 'acme');
        const seq = Math.min(given.seq, log.length);
        const cuts = cutsOf(kafka, seq);
        let growth = 0;
        const world: World = {
          kafka,
          stored: Math.min(given.stored, kafka.length),
          firstSeq: Math.min(given.firstSeq, Math.max(1, log.length)),
          through: undefined,
        };
        // An old position is that of a shorter prefix.
        const known = given.through === null ? undefined : Math.min(given.through, world.stored);
        world.through = known === undefined ? undefined : (kafka.slice(0, known).at(-1)?.offset ?? -1);
        const stored = storedLogOf(world, () => given.growth[growth++ % given.growth.length] ?? 0);
        const { rowsMax } = given;
        const source = sourceOf(stored, { rowsMax });
        const tail = createTailBuffer({
          partition,
          partitions: 1,
          fromOffset: given.tailFrom,
          bytesMax: given.tailBytes,
        });
        tail.watch('acme');
        let cursor: Cursor = {
          ...firstCursor(seq, generation),
          offset: given.cut === null ? firstCursor(seq, generation).offset : (cuts[given.cut % cuts.length] ?? null),
        };
        const seen = new Map<number, string>();
        let expired = 0;
        for (let round = 0; round < 300 && cursor.seq < log.length; round += 1) {
          if (round % 2 === 1) growTail(tail, kafka, round);
          const request = {
            subscription: { ...subscriptionOf(given.maxEvents), start_after_seq: given.cut === null ? seq : 0 },
            tail,
            cursor,
            ...wanted,
          };
          let { result, batch } = await source.read(request);
          if (given.isRetried && batch !== undefined)
            ({ result, batch } = await source.read({ ...request, toSeq: batch.toSeq }));
          // Nothing was ever lost, only not stored yet.
          expect(result.kind).not.toBe('renumbered');
          if (result.kind === 'nothing' && result.offset !== null) {
            expect(cutsOf(kafka, cursor.seq)).toContain(Math.min(result.offset, kafka.at(-1)?.offset ?? -1));
            cursor = { ...cursor, offset: result.offset };
          }
          if (result.kind !== 'batch' || batch === undefined) continue;
          const { data } = bodyOf(batch.body);
          expect(data.batch.prev_to_seq).toBe(cursor.seq);
          expired += data.batch.skipped['expired'] ?? 0;
          for (const event of data.events) {
            expect(seen.has(event.seq)).toBe(false);
            seen.set(event.seq, event.id);
          }
          if (result.offset !== null)
            expect(cutsOf(kafka, result.toSeq)).toContain(Math.min(result.offset, kafka.at(-1)?.offset ?? -1));
          cursor = { ...cursor, seq: result.toSeq, eventSeq: result.eventSeq, offset: result.offset };
        }
        expect(cursor.seq).toBe(log.length);
        for (const [at, id] of seen) expect(id).toBe(log[at - 1]?.event.id);
        expect(seen.size + expired).toBe(log.length - seq);
      }),
      { numRuns: 1_000 },
    );
  }, 60_000);

  test('a cursor ahead of ClickHouse waits, and never renumbers', async () => {
    const kafka = kafkaOf(['acme', 'acme', 'acme'], []);
    const world: World = { kafka, stored: 1, firstSeq: 1, through: 0 };
    const source = sourceOf(storedLogOf(world, () => 0));
    const tail = createTailBuffer({ partition, partitions: 1, fromOffset: 0, bytesMax: 1_000_000 });
    tail.watch('acme');
    growTail(tail, kafka, 1_000);
    const request = {
      subscription: { ...subscriptionOf(10), start_after_seq: 2 },
      tail,
      cursor: firstCursor(2, generation),
      ...wanted,
    };
    expect(await source.read(request)).toMatchObject({ result: { kind: 'behind' } });
    world.stored = 2;
    expect(await source.read(request)).toMatchObject({ source: 'tail', result: { kind: 'batch', toSeq: 3 } });
  });

  test('a replay of what retention has cut ends, and says what is missing', async () => {
    const kafka = kafkaOf(['acme', 'acme', 'acme', 'acme'], []);
    const stored = storedLogOf({ kafka, stored: 4, firstSeq: 4, through: 3 }, () => 0);
    const tail = createTailBuffer({ partition, partitions: 1, fromOffset: 4, bytesMax: 1_000_000 });
    const source = sourceOf(stored);
    const request = {
      subscription: { ...subscriptionOf(10), replay: { of: 'sub_0', to_seq: 3 } },
      tail,
      cursor: firstCursor(1, generation),
      ...wanted,
    };
    const { result, batch } = await source.read(request);
    expect(result).toMatchObject({ kind: 'batch', toSeq: 3, eventCount: 0, isLast: true });
    expect(bodyOf(batch?.body ?? Buffer.alloc(0)).data).toMatchObject({
      batch: { prev_to_seq: 1, from_seq: 2, to_seq: 3, count: 0, skipped: { ...noneSkipped, expired: 2 } },
      replay: 'range',
      events: [],
    });
    // Of a longer one the rest comes with it.
    const longer = { ...request.subscription, replay: { of: 'sub_0', to_seq: 4 } };
    const whole = await source.read({ ...request, subscription: longer });
    expect(whole.result).toMatchObject({ kind: 'batch', toSeq: 4, eventSeqs: [4], isLast: true });
  });

  test('a window is as many batches as there are, each behind the one before, from either side', async () => {
    const kafka = kafkaOf(
      Array.from({ length: 10 }, () => 'acme'),
      [],
    );
    for (const tailFrom of [0, 5, 10]) {
      const stored = storedLogOf({ kafka, stored: 10, firstSeq: 1, through: 9 }, () => 0);
      const tail = createTailBuffer({ partition, partitions: 1, fromOffset: tailFrom, bytesMax: 1_000_000 });
      tail.watch('acme');
      growTail(tail, kafka, 1_000);
      const source = sourceOf(stored);
      const request = {
        subscription: subscriptionOf(3),
        tail,
        cursor: firstCursor(0, generation),
        ...wanted,
      };
      const of = async (batchesMax: number, toSeq: number | null = null) => {
        const { batch, result, following = [] } = await source.read({ ...request, batchesMax, toSeq });
        expect(result).toMatchObject({ kind: 'batch' });
        const batches = [batch, ...following.map((one) => one.batch)].flatMap((one) => one ?? []);
        const chain = checkBatchChain(batches.map(({ body }): unknown => JSON.parse(body.toString())));
        expect(chain.problems).toEqual([]);
        return batches.map((one) => one.toSeq);
      };
      expect(await of(1)).toEqual([3]);
      expect(await of(3)).toEqual([3, 6, 9]);
      expect(await of(8)).toEqual([3, 6, 9, 10]);
      // What is made again is one.
      expect(await of(8, 3)).toEqual([3]);
    }
  });

  test('a range is sent anew under another webhook-id when its subscription was changed or its cursor moved, and only then: a retry is a repeat', async () => {
    const kafka = kafkaOf(['acme', 'acme'], []);
    const stored = storedLogOf({ kafka, stored: 2, firstSeq: 1, through: 1 }, () => 0);
    const tail = createTailBuffer({ partition, partitions: 1, fromOffset: 0, bytesMax: 1_000_000 });
    tail.watch('acme');
    growTail(tail, kafka, 2);
    const source = sourceOf(stored);
    const as = async (subscription: Subscription, reset: number, isProbe: boolean) => {
      const cursor = { ...firstCursor(0, generation), reset };
      const { batch } = await source.read({ subscription, tail, cursor, ...wanted, isProbe });
      return [batch?.webhookId, batch?.body.toString()];
    };
    const first = subscriptionOf(1);
    const changed = { ...first, filter: 'action:a.*', updated_at: '2026-01-02T00:00:00Z' };
    for (const isProbe of [false, true]) {
      const [sent, again, moved, anew] = [
        await as(first, 0, isProbe),
        await as({ ...first }, 0, isProbe),
        await as(first, 1, isProbe),
        await as(changed, 0, isProbe),
      ];
      expect(again).toEqual(sent);
      expect(new Set([sent, moved, anew].map(([id]) => id)).size).toBe(3);
    }
  });

  test('a proof is made only when the tail has seen all that the partition held at its time', async () => {
    const kafka = kafkaOf(['acme', 'globex', 'globex'], []);
    const stored = storedLogOf({ kafka, stored: 0, firstSeq: 1, through: undefined }, () => 0);
    const tail = createTailBuffer({ partition, partitions: 1, fromOffset: 0, bytesMax: 1_000_000 });
    tail.watch('acme');
    growTail(tail, kafka, 2);
    let ends: PartitionEnds | undefined;
    const source = sourceOf(stored, { readEnds: async () => ends });
    const passed = { ...noneSkipped, filtered: 1 };
    const request = {
      subscription: subscriptionOf(10),
      tail,
      cursor: { ...firstCursor(1, generation), eventSeq: 0, offset: 0, passed },
      ...wanted,
      isProofDue: true,
    };
    const nothing = { result: { kind: 'nothing', offset: 1 } };
    expect(await source.read(request)).toMatchObject(nothing);
    ends = { asOfMs: 5_000, ends: new Map([[partition, 3]]) };
    expect(await source.read(request)).toMatchObject(nothing);
    growTail(tail, kafka, 1);
    expect(await source.read({ ...request, isProofDue: false })).toMatchObject({ result: { kind: 'nothing' } });
    const { result, batch } = await source.read(request);
    expect(result).toMatchObject({ kind: 'proof', toSeq: 1, eventSeq: 0, eventCount: 0, offset: 2 });
    expect(JSON.parse(batch?.body.toString() ?? '')).toMatchObject({
      timestamp: '1970-01-01T00:00:05.000Z',
      data: {
        batch: { prev_to_seq: 0, from_seq: 1, to_seq: 1, count: 0, skipped: passed, as_of: '1970-01-01T00:00:05.000Z' },
        events: [],
      },
    });
    ends = { ...ends, asOfMs: 6_000 };
    expect((await source.read(request)).batch?.webhookId).not.toBe(batch?.webhookId);
  });

  test('ClickHouse fails: what the tail covers goes on, the rest is tried again', async () => {
    const kafka = kafkaOf(['acme', 'acme'], []);
    const away = async (): Promise<never> => {
      throw new Error('away');
    };
    const stored: StoredLog = {
      rows: away,
      texts: away,
      bounds: away,
      place: away,
      seqBefore: away,
      firstAt: away,
      seqAt: away,
      through: () => undefined,
      head: () => undefined,
      watch: () => undefined,
      readThrough: away,
      refresh: () => undefined,
    };
    const source = sourceOf(stored);
    const tail = createTailBuffer({ partition, partitions: 1, fromOffset: 0, bytesMax: 1_000_000 });
    tail.watch('acme');
    growTail(tail, kafka, 1_000);
    const request = {
      subscription: subscriptionOf(10),
      tail,
      cursor: firstCursor(0, generation),
      ...wanted,
    };
    expect(await source.read(request)).toMatchObject({ source: 'tail', result: { kind: 'batch', toSeq: 2 } });
    const unknown = { ...request, cursor: firstCursor(1, generation) };
    expect(await source.read(unknown)).toMatchObject({ result: { kind: 'failed' } });
  });
});

interface Body {
  readonly data: {
    readonly batch: { readonly prev_to_seq: number; readonly skipped: Record<string, number> };
    readonly events: readonly { readonly seq: number; readonly id: string }[];
  };
}

function bodyOf(body: Buffer): Body {
  return JSON.parse(body.toString()) as Body;
}
