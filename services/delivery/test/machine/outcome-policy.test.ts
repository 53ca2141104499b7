import { describe, expect, test } from '@jest/globals';

import { errorNameOf, outcomeOf } from '../../src/machine/outcome-policy.ts';
import type { Outcome, SendError } from '../../src/machine/outcome-policy.ts';

const answered = (status: number) => ({ kind: 'answered', status, retryAfterMs: null, text: '' }) as const;

describe('what an answer means', () => {
  const named: Record<number, Outcome['kind']> = {
    199: 'misconfigured',
    200: 'delivered',
    202: 'delivered',
    204: 'delivered',
    299: 'delivered',
    300: 'misconfigured',
    301: 'misconfigured',
    302: 'misconfigured',
    307: 'misconfigured',
    400: 'misconfigured',
    401: 'misconfigured',
    403: 'misconfigured',
    404: 'misconfigured',
    408: 'retry',
    409: 'misconfigured',
    410: 'gone',
    413: 'split',
    422: 'misconfigured',
    425: 'retry',
    429: 'retry',
    499: 'misconfigured',
    500: 'retry',
    502: 'retry',
    503: 'retry',
    504: 'retry',
    599: 'retry',
  };
  test.each(Object.entries(named))('status %s: %s', (status, outcome) => {
    expect(outcomeOf(answered(Number(status)))).toEqual({ kind: outcome });
    expect(errorNameOf(answered(Number(status)))).toBe(outcome === 'delivered' ? '' : `status_${status}`);
  });

  const errors: Record<SendError, Outcome['kind']> = {
    dns: 'retry',
    refused: 'retry',
    connection: 'retry',
    tls: 'retry',
    timeout: 'retry',
    address_not_allowed: 'misconfigured',
    invalid_url: 'misconfigured',
    secret_unavailable: 'misconfigured',
  };
  const names: SendError[] = [
    'dns',
    'refused',
    'connection',
    'tls',
    'timeout',
    'address_not_allowed',
    'invalid_url',
    'secret_unavailable',
  ];
  test.each(names)('no answer because of %s', (error) => {
    expect(outcomeOf({ kind: 'failed', error })).toEqual({ kind: errors[error] });
    expect(errorNameOf({ kind: 'failed', error })).toBe(error);
  });

  test('I6: no answer at all lets an event be dropped: all that is not delivered is tried again or kept', () => {
    for (let status = 100; status < 600; status += 1) {
      expect(outcomeOf(answered(status)).kind === 'delivered').toBe(status >= 200 && status < 300);
    }
  });
});
