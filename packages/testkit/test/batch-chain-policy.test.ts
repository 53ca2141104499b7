import { describe, expect, test } from '@jest/globals';
import { checkBatchChain } from '../src/index.ts';

const idOf = (seq: number) => `id-${seq}`;
const noneSkipped = { filtered: 0, duplicate: 0 };

function body(prevToSeq: number, seqs: number[], skipped: Record<string, number> = noneSkipped) {
  const skippedSum = Object.values(skipped).reduce((sum, count) => sum + count, 0);
  return {
    type: 'audit.batch',
    timestamp: '2026-11-23T09:00:00Z',
    data: {
      subscription_id: 's1',
      tenant_id: 'acme',
      batch: {
        prev_to_seq: prevToSeq,
        from_seq: prevToSeq + 1,
        to_seq: prevToSeq + seqs.length + skippedSum,
        count: seqs.length,
        skipped,
      },
      events: seqs.map((seq) => ({ seq, id: idOf(seq) })),
    },
  };
}

/** A whole chain of three batches, one of them with skipped events, to be spoiled in one place. */
const whole = () => [body(0, [1, 2, 3]), body(3, [4, 7], { filtered: 1, duplicate: 1 }), body(7, [8])];
type Chain = ReturnType<typeof whole>;

describe('checkBatchChain', () => {
  test('a whole chain has no problem and gives every event once', () => {
    const report = checkBatchChain(whole());
    expect(report.problems).toEqual([]);
    expect(report.events).toEqual([1, 2, 3, 4, 7, 8].map((seq) => ({ seq, id: idOf(seq) })));
    expect(report.range).toEqual({ afterSeq: 0, toSeq: 8 });
    expect(report.skipped).toBe(2);
  });

  test('nothing received proves nothing', () => {
    expect(checkBatchChain([])).toEqual({ problems: [], events: [], range: null, skipped: 0, replayed: [] });
  });

  test('an empty batch of an idle subscription belongs to the chain', () => {
    expect(checkBatchChain([...whole(), body(8, []), body(8, [9])]).problems).toEqual([]);
  });

  test('a chain may begin in the middle of a log', () => {
    expect(checkBatchChain(whole().slice(1)).range).toEqual({ afterSeq: 3, toSeq: 8 });
  });

  const spoiled: Record<string, { spoil: (chain: Chain) => unknown[]; says: string }> = {
    'a batch is missing': { spoil: ([a, , c]) => [a, c], says: 'a gap' },
    'a batch comes twice': { spoil: ([a, b, c]) => [a, b, b, c], says: 'reached before' },
    'an event is missing': { spoil: (chain) => edit(chain, (data) => data.events.pop()), says: 'count 2 but 1' },
    'an event and its count are missing': {
      spoil: (chain) =>
        edit(chain, (data) => {
          data.events.pop();
          data.batch.count -= 1;
        }),
      says: 'is not to_seq',
    },
    'events are swapped': {
      spoil: (chain) => edit(chain, (data) => (data.events = data.events.toReversed())),
      says: 'does not follow',
    },
    'an event is doubled': {
      spoil: (chain) => edit(chain, (data) => data.events.splice(1, 1, { seq: 4, id: idOf(4) })),
      says: 'does not follow',
    },
    'an event is beyond the range': {
      spoil: (chain) => edit(chain, (data) => data.events.splice(1, 1, { seq: 9, id: idOf(9) })),
      says: 'beyond to_seq',
    },
    'from_seq leaves a hole': { spoil: (chain) => edit(chain, (data) => (data.batch.from_seq += 1)), says: 'from_seq' },
    'a seq changes its id': {
      spoil: (chain) => [...chain, bodyWithEvent(3, { seq: 4, id: 'x' })],
      says: 'seq 4 was id-4 and is now x',
    },
    'another tenant is mixed in': {
      spoil: (chain) => edit(chain, (data) => (data.tenant_id = 'other')),
      says: 'other',
    },
    'another subscription is mixed in': {
      spoil: (chain) => edit(chain, (data) => (data.subscription_id = 's2')),
      says: 's2',
    },
    'a number is none': { spoil: (chain) => edit(chain, (data) => (data.batch.to_seq = Number.NaN)), says: 'number' },
    'a body is something else': { spoil: ([a]) => [a, { type: 'other' }], says: 'no audit.batch' },
    'an event lacks its seq': {
      spoil: (chain) => edit(chain, (data) => data.events.splice(0, 1, { seq: 0, id: 'x' })),
      says: 'without seq',
    },
  };

  test.each(Object.entries(spoiled))('sees that %s', (_, { spoil, says }) => {
    expect(checkBatchChain(spoil(whole())).problems.join('\n')).toContain(says);
  });

  test('after a crash a range may come again, and its events count once', () => {
    const [a, b, c] = whole();
    const report = checkBatchChain([a, b, body(3, [4], { filtered: 1, duplicate: 0 }), b, c], { mayOverlap: true });
    expect(report.problems).toEqual([]);
    expect(report.events).toHaveLength(6);
    expect(report.skipped).toBe(2);
    expect(checkBatchChain([a, c, b], { mayOverlap: true }).problems.join()).toContain('a gap');
  });
});

function bodyWithEvent(prevToSeq: number, event: { seq: number; id: string }) {
  const { data, ...envelope } = body(prevToSeq, [event.seq]);
  return { ...envelope, data: { ...data, events: [event] } };
}

/** Changes the second batch of a chain. */
function edit(chain: Chain, change: (data: Chain[number]['data']) => unknown): Chain {
  const [, second] = chain;
  if (second !== undefined) change(second.data);
  return chain;
}
