import { describe, expect, test } from '@jest/globals';
import { eventually } from '../src/index.ts';

describe('eventually', () => {
  test('resolves with the first value that is there; 0 and empty text are values', async () => {
    const values = [undefined, null, false, 0];
    expect(await eventually(() => values.shift(), { what: 'a value', intervalMs: 1 })).toBe(0);
    expect(await eventually(() => '', { what: 'a value' })).toBe('');
  });

  test('a probe that throws has not happened yet', async () => {
    let tries = 0;
    const probe = () => {
      tries += 1;
      if (tries < 3) throw new Error('not yet');
      return tries;
    };
    expect(await eventually(probe, { what: 'a third try', intervalMs: 1 })).toBe(3);
  });

  test('rejects at the deadline, naming what was waited for and the last error', async () => {
    const cause = new Error('refused');
    const failing = () => Promise.reject(cause);
    await expect(eventually(failing, { what: 'an answer', deadlineMs: 5, intervalMs: 1 })).rejects.toThrow(
      expect.objectContaining({ message: 'an answer did not happen within 5 ms', cause }),
    );
  });

  test('tries once even when there is no time left', async () => {
    expect(await eventually(() => 'there', { what: 'a value', deadlineMs: 0 })).toBe('there');
  });
});
