import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createDuplicateWindow, windowRecords, type Candidate, type Verdict } from '../src/index.ts';

type Step = { kind: 'admit'; identity: number; content: number } | { kind: 'pass' };

function candidateOf({ identity, content }: { identity: number; content: number }): Candidate {
  return { log: identity % 2, id0: 0, id1: 0, id2: identity, id3: -1, content0: content, content1: 7 };
}

/** The definition, word for word: look at the preceding `records` records. */
function judgeSlowly(steps: readonly Step[], records: number): (Verdict | null)[] {
  const verdicts: (Verdict | null)[] = [];
  steps.forEach((step, now) => {
    if (step.kind === 'pass') return verdicts.push(null);
    for (let then = now - 1; then >= Math.max(0, now - records); then -= 1) {
      const earlier = steps[then];
      if (verdicts[then] !== 'accepted' || earlier?.kind !== 'admit' || earlier.identity !== step.identity) continue;
      return verdicts.push(earlier.content === step.content ? 'duplicate' : 'conflict');
    }
    return verdicts.push('accepted');
  });
  return verdicts;
}

/** A repeatable source of whole numbers below 2^32: a linear congruential generator's high bits, mixed. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) >>> 0;
  };
}

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('admit' as const),
    identity: fc.nat(12),
    content: fc.nat(1),
  }),
  fc.constant({ kind: 'pass' as const }),
);

describe('the duplicate window', () => {
  test('equals its definition over the preceding records, wherever its entries lie', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer(),
        (steps, records, slotSeed) => {
          const window = createDuplicateWindow(records, slotSeed);
          const verdicts = steps.map((one) => {
            if (one.kind === 'admit') return window.admit(candidateOf(one));
            window.pass();
            return null;
          });
          expect(verdicts).toEqual(judgeSlowly(steps, records));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('equals its definition when it is full and crowded, so that entries lie far from their homes', () => {
    const records = 2 ** 14;
    const window = createDuplicateWindow(records, 1);
    const acceptedAt = new Map<number, number>();
    const next = numbersFrom(1);
    for (let now = 0; now < 5 * records; now += 1) {
      const identity = next() % (3 * records);
      const isKnown = now - (acceptedAt.get(identity) ?? -Infinity) <= records;
      if (!isKnown) acceptedAt.set(identity, now);
      // Compared one by one: a matcher for each would take longer than all the rest.
      const verdict = window.admit(candidateOf({ identity, content: 0 }));
      if (verdict !== (isKnown ? 'duplicate' : 'accepted')) throw new Error(`record ${now} is ${verdict}`);
    }
  });

  test('is never larger than its constant', () => {
    expect(() => createDuplicateWindow(windowRecords + 1)).toThrow(RangeError);
  });

  test('refilled from what was stored it judges as if it had never stopped', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.array(step, { maxLength: 30 }), (before, after) => {
        const [running, refilled] = [createDuplicateWindow(7), createDuplicateWindow(7)];
        for (const one of before) {
          const verdict = one.kind === 'admit' ? running.admit(candidateOf(one)) : running.pass();
          if (one.kind === 'admit' && verdict === 'accepted') refilled.restore(candidateOf(one));
          else refilled.pass();
        }
        for (const one of after) {
          if (one.kind === 'pass') [running, refilled].forEach((window) => window.pass());
          else expect(refilled.admit(candidateOf(one))).toBe(running.admit(candidateOf(one)));
        }
      }),
    );
  });
});
