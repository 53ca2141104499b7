import { describe, expect, test } from '@jest/globals';

import { DocketError, problemFromError } from '../../src/index.ts';

describe('problemFromError', () => {
  test('maps a known error to RFC 9457 with code, request id, fields and extensions', () => {
    const error = new DocketError('invalid_event', 'Event 3 is invalid.', {
      errors: [{ pointer: '/events/3/action', detail: 'is missing' }],
      extensions: Object.assign({ ids: ['a'] }, { status: 200, code: 'forged' }),
    });
    expect(problemFromError(error, 'r-1')).toEqual({
      status: 422,
      headers: {},
      document: {
        type: 'urn:docket:error:invalid_event',
        title: 'An event is invalid',
        status: 422,
        code: 'invalid_event',
        detail: 'Event 3 is invalid.',
        request_id: 'r-1',
        errors: [{ pointer: '/events/3/action', detail: 'is missing' }],
        ids: ['a'],
      },
    });
  });

  test('shows neither the message nor the cause of an unknown error', () => {
    const { status, document } = problemFromError(new Error('password is hunter2'), 'r');
    expect(status).toBe(500);
    expect(document.code).toBe('internal');
    expect(JSON.stringify(document)).not.toContain('hunter2');
    const known = new DocketError('kafka_unavailable', 'Kafka did not answer.', { cause: new Error('hunter2') });
    expect(JSON.stringify(problemFromError(known, 'r'))).not.toContain('hunter2');
  });

  test.each([
    ['unauthenticated', 'WWW-Authenticate', 'Bearer realm="docket"'],
    ['insufficient_scope', 'WWW-Authenticate', 'Bearer realm="docket", error="insufficient_scope"'],
    ['kafka_unavailable', 'Retry-After', '2'],
    ['rate_limited', 'Retry-After', '2'],
  ] as const)('%s carries %s', (code, header, value) => {
    expect(problemFromError(new DocketError(code, 'm'), 'r').headers[header]).toBe(value);
  });

  test('lets an error name its own Retry-After and headers', () => {
    const error = new DocketError('overloaded', 'm', { retryAfterSeconds: 7, headers: { Allow: 'GET' } });
    expect(problemFromError(error, 'r').headers).toEqual({ 'Retry-After': '7', Allow: 'GET' });
  });

  test('takes a malformed path, as express reports it, for the caller’s error', () => {
    const malformed = Object.assign(new URIError('Failed to decode param'), { status: 400 });
    expect(problemFromError(malformed, 'r').document.code).toBe('invalid_request');
  });

  test.each([undefined, null, 'text', 7, { status: 503 }])('takes thrown %p for a bug', (thrown) => {
    expect(problemFromError(thrown, 'r').status).toBe(500);
  });
});
