import { describe, expect, test } from '@jest/globals';
import {
  type Answer,
  isUnsignedRefusal,
  retryAfterMs,
  retryAfterMsMax,
  retryDelayMs,
  signedCode,
  type Verdict,
  verdictByProbe,
  verdictOf,
} from '../src/retry-policy.ts';

const answered = (status: number): Answer => ({ status, code: undefined, namesEachEvent: true, detail: '' });
const retry = { verdict: 'retry', detail: '' } as const;
const limits = { baseDelayMs: 200, maxDelayMs: 15_000 };

test.each<[number, Verdict]>([
  [200, 'accepted'],
  [202, 'accepted'],
  [301, 'misconfigured'],
  [307, 'misconfigured'],
  [400, 'refused'],
  [401, 'misconfigured'],
  [403, 'refused'],
  [404, 'misconfigured'],
  [405, 'misconfigured'],
  [408, 'retry'],
  [413, 'refused'],
  [415, 'refused'],
  [422, 'refused'],
  [425, 'retry'],
  [429, 'retry'],
  [500, 'retry'],
  [502, 'retry'],
  [503, 'retry'],
  [504, 'retry'],
])('%i is %s', (status, verdict) => {
  expect(verdictOf(answered(status))).toBe(verdict);
});

test('a key without the scope loses no event: it is the configuration that is refused', () => {
  expect(verdictOf({ ...answered(403), code: 'insufficient_scope' })).toBe('misconfigured');
});

test.each([200, 202, 204])('%i of something that is no gateway is not taken for an acknowledgement', (status) => {
  expect(verdictOf({ ...answered(status), namesEachEvent: false })).toBe('misconfigured');
});

test.each([
  [400, undefined, true],
  [403, undefined, true],
  [413, undefined, true],
  [403, 'tenant_not_allowed', false],
  [302, undefined, true],
  [401, undefined, true],
  [404, undefined, true],
  [405, undefined, true],
  [401, 'unauthenticated', false],
  [404, 'not_found', false],
  [429, undefined, false],
  [503, undefined, false],
  [202, undefined, false],
])('%i with the code %p may be the refusal of something in between: %p', (status, code, isUnsigned) => {
  expect(isUnsignedRefusal({ ...answered(status), code })).toBe(isUnsigned);
});

test.each([200, 202, 204])(
  '%i of something that is no gateway may be the block page of something in between',
  (status) => {
    expect(isUnsignedRefusal({ ...answered(status), namesEachEvent: false })).toBe(true);
  },
);

test.each([
  ['urn:docket:error:invalid_event', 'invalid_event', 'invalid_event'],
  ['urn:docket:error:invalid_event', 'invalid', undefined],
  ['about:blank', 'invalid_event', undefined],
  [undefined, 'invalid_event', undefined],
  ['urn:docket:error:invalid_event', undefined, undefined],
  [undefined, undefined, undefined],
])('a problem of type %p with the code %p is signed with the code %p', (type, code, signed) => {
  expect(signedCode(type, code)).toBe(signed);
});

test.each<[string, Partial<Answer>, Verdict]>([
  ['the gateway refuses it', { status: 422, code: 'invalid_event' }, 'refused'],
  ['the gateway is busy', { status: 429, code: 'rate_limited' }, 'retry'],
  ['nobody answers well', { status: 502 }, 'retry'],
  ['the same something refuses it too', { status: 403 }, 'misconfigured'],
  ['the key is not taken', { status: 401, code: 'unauthenticated' }, 'misconfigured'],
  ['the key lacks the scope', { status: 403, code: 'insufficient_scope' }, 'misconfigured'],
  ['the gateway has no such path', { status: 404, code: 'not_found' }, 'misconfigured'],
  ['the same something knows no such path', { status: 404 }, 'misconfigured'],
  ['everything is sent elsewhere', { status: 307 }, 'misconfigured'],
  ['whoever it is takes everything', { status: 200 }, 'misconfigured'],
  ['whoever it is has a page for everything', { status: 200, namesEachEvent: false }, 'misconfigured'],
])('a request of no events tells whether the events are to blame: %s', (_what, answer, verdict) => {
  expect(verdictByProbe({ ...answered(422), ...answer })).toBe(verdict);
});

describe('retryDelayMs', () => {
  test.each([
    [1, 200],
    [2, 400],
    [3, 800],
    [7, 12_800],
    [8, 15_000],
    [1000, 15_000],
  ])('after %i failures it is uniform in 0..%i ms', (failures, ceilingMs) => {
    const delay = (random: number) => retryDelayMs(failures, retry, limits, random);
    expect([delay(0), delay(0.5), delay(1)]).toEqual([0, ceilingMs / 2, ceilingMs]);
  });

  test('Retry-After is waited for, with the jitter on top, so that clients do not return together', () => {
    expect(retryDelayMs(1, { ...retry, retryAfterMs: 3000 }, limits, 0.5)).toBe(3100);
  });

  test('a wrong configuration is tried slowly from the first failure', () => {
    expect(retryDelayMs(1, { verdict: 'misconfigured', detail: '' }, limits, 0)).toBe(7500);
  });
});

test.each([
  [undefined, 0],
  ['', 0],
  ['soon', 0],
  ['-1', 0],
  ['0', 0],
  ['7', 7000],
  ['999999', retryAfterMsMax],
  ['Thu, 01 Jan 1970 00:00:10 GMT', 5000],
  ['Thu, 01 Jan 1970 00:00:01 GMT', 0],
])('Retry-After %p, read at 5 s, is a wait of %i ms', (header, waitMs) => {
  expect(retryAfterMs(header, 5000)).toBe(waitMs);
});
