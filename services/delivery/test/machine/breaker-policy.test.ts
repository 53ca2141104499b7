import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { isBreakerOpen, noAnswers, onlyFailures, withAnswer } from '../../src/machine/breaker-policy.ts';

/** `+` was taken, `-` was not. */
const after = (answers: string, before = noAnswers): number =>
  answers.split('').reduce((recent, answer) => withAnswer(recent, answer === '+'), before);
const isOpenAfter = (answers: string): boolean => isBreakerOpen(after(answers));

describe('I7: the breaker', () => {
  test.each([
    ['nothing', '', false],
    ['four failures in a row', '----', false],
    ['five', '-----', true],
    ['six', '------', true],
    ['four in a row behind many successes', '+'.repeat(40) + '----', false],
    ['five behind many successes', '+'.repeat(40) + '-----', true],
    ['every other one of nineteen', '-+'.repeat(9) + '-', false],
    ['every other one of twenty', '+-'.repeat(10), true],
    ['every third one of any number', '++-'.repeat(50), false],
  ])('after %s', (_what, answers, expected) => {
    expect(isOpenAfter(answers)).toBe(expected);
  });

  test('one answer that is taken closes it, and what was before does not count any more', () => {
    expect(after('-----+')).toBe(noAnswers);
    expect(after('+-'.repeat(10) + '+')).toBe(noAnswers);
    expect(isOpenAfter('-----+----')).toBe(false);
    expect(isOpenAfter('-----+-----')).toBe(true);
  });

  test('half of the last twenty opens it at a failure only', () => {
    expect(isOpenAfter('-+'.repeat(10))).toBe(false);
    expect(isOpenAfter('-+'.repeat(10) + '-')).toBe(true);
  });

  test('whoever was failing when another owner left off is down until it takes something', () => {
    expect(isBreakerOpen(onlyFailures)).toBe(true);
    expect(withAnswer(onlyFailures, true)).toBe(noAnswers);
  });

  test('it is what counting the answers one by one says', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 80 }), (answers) => {
        let recent = noAnswers;
        let counted: boolean[] = [];
        for (const isTaken of answers) {
          const wasOpen = isOpen(counted);
          recent = withAnswer(recent, isTaken);
          counted = isTaken && wasOpen ? [] : [...counted, isTaken].slice(-20);
          expect(isBreakerOpen(recent)).toBe(isOpen(counted));
        }
      }),
    );
  });
});

function isOpen(counted: readonly boolean[]): boolean {
  if (counted.at(-1) !== false) return false;
  const lastFive = counted.slice(-5);
  if (lastFive.length === 5 && !lastFive.includes(true)) return true;
  return counted.length === 20 && counted.filter((isTaken) => !isTaken).length >= 10;
}
