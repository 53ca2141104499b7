import { describe, expect, test } from '@jest/globals';

import { prefersLenient, readIdempotencyKey } from '../src/request-headers-policy.ts';

describe('Idempotency-Key', () => {
  test.each(['a', 'a'.repeat(255), '"8e03978e-40d5-43dd-bc93-6894a57f9324"', 'with space'])('%j is taken', (header) => {
    expect(readIdempotencyKey(header)).toBe(header);
  });

  test('is optional', () => {
    expect(readIdempotencyKey(undefined)).toBeUndefined();
  });

  test.each(['', 'a'.repeat(256), 'é', 'a\tb'])('%j is refused', (header) => {
    expect(() => readIdempotencyKey(header)).toThrow(
      expect.objectContaining({
        code: 'invalid_request',
        errors: [{ header: 'Idempotency-Key', detail: expect.any(String) }],
      }),
    );
  });
});

describe('Prefer', () => {
  test.each([
    [undefined, false],
    ['', false],
    ['handling=strict', false],
    ['handling=lenient', true],
    ['Handling = "LENIENT"', true],
    ['respond-async, handling=lenient', true],
    ['handling=lenient; x=1', true],
    ['handling=strict, handling=lenient', false],
    ['handling=lenient, handling=strict', true],
    ['handling=tolerant', false],
    ['xhandling=lenient', false],
  ])('%j → lenient: %p', (header, expected) => {
    expect(prefersLenient(header)).toBe(expected);
  });
});
