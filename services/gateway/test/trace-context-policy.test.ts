import { describe, expect, test } from '@jest/globals';

import { readTraceContext } from '../src/trace-context-policy.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;

describe('readTraceContext', () => {
  test('gives the trace id, and the headers as they came', () => {
    expect(readTraceContext(traceparent, 'vendor=1')).toEqual({
      traceId,
      headers: { traceparent, tracestate: 'vendor=1' },
    });
    expect(readTraceContext(traceparent, undefined)).toEqual({ traceId, headers: { traceparent } });
  });

  test('takes what a later version adds', () => {
    expect(readTraceContext(`01-${traceId}-00f067aa0ba902b7-01-more`, undefined)?.traceId).toBe(traceId);
  });

  test.each([
    ['nothing', undefined],
    ['empty', ''],
    ['nonsense', 'nonsense'],
    ['upper case', traceparent.toUpperCase()],
    ['no trace', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
    ['no parent', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['the forbidden version', `ff-${traceId}-00f067aa0ba902b7-01`],
    ['more than version 00 has', `${traceparent}-more`],
    ['two of them', `${traceparent}, ${traceparent}`],
    ['bytes beyond printable ASCII', `01-${traceId}-00f067aa0ba902b7-01-\u00ff`],
    ['control characters', `01-${traceId}-00f067aa0ba902b7-01-\t`],
    ['endless', `01-${traceId}-00f067aa0ba902b7-01-${'x'.repeat(1_000)}`],
  ])('a broken one is as none: %s', (_name, given) => {
    expect(readTraceContext(given, 'vendor=1')).toBeUndefined();
  });

  test('leaves out a state that is too long', () => {
    expect(readTraceContext(traceparent, 'x'.repeat(513))?.headers).toEqual({ traceparent });
  });

  test.each(['', 'vendor=\u00ff', 'vendor=\u00e4\u00b8', 'vendor=\t'])(
    'leaves out a state that is not printable ASCII: %j',
    (state) => expect(readTraceContext(traceparent, state)?.headers).toEqual({ traceparent }),
  );

  test('takes every printable character', () => {
    const tracestate = String.fromCharCode(...Array.from({ length: 95 }, (_, n) => 0x20 + n));
    expect(readTraceContext(traceparent, tracestate)?.headers).toEqual({ traceparent, tracestate });
  });
});
