import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createDuplicateWindow, type Verdict } from '../src/index.ts';

type Step = { kind: 'admit'; identity: bigint; content: bigint } | { kind: 'pass' };

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
    identity: fc.bigInt({ min: 0n, max: 12n }).map((n) => n * 16n),
    content: fc.bigInt({ min: 0n, max: 1n }),
  }),
  fc.constant({ kind: 'pass' as const }),
);

describe('the duplicate window', () => {
  test('equals its definition over the preceding records, also when every identity collides', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 9 }), (steps, records) => {
        const window = createDuplicateWindow(records);
        const verdicts = steps.map((one) => {
          if (one.kind === 'admit') return window.admit(one.identity, one.content);
          window.pass();
          return null;
        });
        expect(verdicts).toEqual(judgeSlowly(steps, records));
      }),
      { numRuns: 2000 },
    );
  });

  test('refilled from what was stored it judges as if it had never stopped', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.array(step, { maxLength: 30 }), (before, after) => {
        const [running, refilled] = [createDuplicateWindow(7), createDuplicateWindow(7)];
        for (const one of before) {
          const verdict = one.kind === 'admit' ? running.admit(one.identity, one.content) : running.pass();
          if (one.kind === 'admit' && verdict === 'accepted') refilled.restore(one.identity, one.content);
          else refilled.pass();
        }
        for (const one of after) {
          if (one.kind === 'pass') [running, refilled].forEach((window) => window.pass());
          else expect(refilled.admit(one.identity, one.content)).toBe(running.admit(one.identity, one.content));
        }
      }),
    );
  });
});
