import { describe, expect, test } from '@jest/globals';

import { errorCatalogue } from '../../src/index.ts';
import type { ErrorEntry } from '../../src/index.ts';

const entries: [string, ErrorEntry][] = Object.entries(errorCatalogue);

describe('the error catalogue', () => {
  test.each(entries)('%s says who acts and what to do', (code, entry) => {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(entry.help).toMatch(/\.$/);
    expect(entry.title).not.toMatch(/\.$/);
    const expected = { caller: [400, 499], operator: [503, 503], bug: [500, 500] }[entry.audience];
    expect(entry.httpStatus).toBeGreaterThanOrEqual(expected[0] ?? 0);
    expect(entry.httpStatus).toBeLessThanOrEqual(expected[1] ?? 0);
  });

  test.each(entries)('%s: retry later exactly for what passes by itself', (_code, { httpStatus, retry }) => {
    expect(retry).toBe([408, 429, 503].includes(httpStatus) ? 'later' : 'never');
  });
});
