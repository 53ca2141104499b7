import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createDuplicateWindow, type Candidate, type Verdict } from '../src/index.ts';

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
