import { afterEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';

import { answerExcerpt } from '../../src/receivers/answer-excerpt-mapper.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

/** What it has to be, for a text of any length at once. */
function wholeFirst(text: string, hidden: readonly string[]): string {
  const longestFirst = hidden.filter(({ length }) => length >= 4).toSorted((a, b) => b.length - a.length);
  let shown = '';
  for (let at = 0; at < text.length;) {
    const found = longestFirst.find((form) => text.startsWith(form, at));
    shown += found === undefined ? text[at] : '(secret)';
    at += found?.length ?? 1;
  }
  return shown.slice(0, 512);
}

describe('the excerpt of an answer', () => {
  test('is the beginning of the answer with its secrets hidden, wherever they lie', () => {
    const piece = fc.string({ unit: fc.constantFrom('a', 'b', '.', '('), minLength: 1, maxLength: 9 });
    const hidden = fc.array(fc.tuple(piece, fc.integer({ min: 1, max: 60 })), { maxLength: 4 });
    fc.assert(
      fc.property(hidden, fc.array(fc.tuple(piece, fc.nat(9)), { maxLength: 200 }), (forms, parts) => {
        const secrets = forms.map(([unit, times]) => unit.repeat(times));
        const text = parts.map(([plain, which]) => secrets[which] ?? plain).join('');
        expect(answerExcerpt(text, secrets)).toBe(wholeFirst(text, secrets));
      }),
    );
  });

  test.each([507, 508, 509, 510, 511])('no part of a secret that begins at %i is shown at its end', (begin) => {
    const excerpt = answerExcerpt(`${'.'.repeat(begin)}secret-of-the-receiver`, ['secret-of-the-receiver']);
    expect(excerpt).toBe(`${'.'.repeat(begin)}(secret)`.slice(0, 512));
  });

  test.each([
    ['nothing in it is hidden', 'a'.repeat(256 * 1024)],
    ['all of it is', `${'a'.repeat(1_023)}b`.repeat(256)],
  ])('I7: a long answer is not searched beyond what is shown: %s', (_name, text) => {
    const searched = jest.spyOn(RegExp.prototype, 'exec');
    answerExcerpt(text, [`${'a'.repeat(1_023)}b`]);
    const lengths = searched.mock.calls.map(([near]) => near.length);
    expect(lengths.length).toBeLessThanOrEqual(512 / 8 + 1);
    expect(Math.max(...lengths)).toBeLessThan(512 + 1_024);
  });
});
