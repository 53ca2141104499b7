import { describe, expect, test } from '@jest/globals';
import { inCalls, rerouted } from '../src/reroute-mapper.ts';

const stray = (valueBytes: number, headers: Record<string, Buffer | undefined> = {}) => ({
  tenantId: 'acme',
  record: { partition: 3, offset: 17, timestampMs: 0, key: null, value: Buffer.alloc(valueBytes), headers },
});

describe('a stray’s way to its tenant', () => {
  test('it keeps its value and headers, and says where it was found', () => {
    const found = rerouted(stray(5, { traceparent: Buffer.from('00-1'), empty: undefined }));
    expect(found).toEqual({
      key: 'acme',
      value: Buffer.alloc(5),
      headers: { traceparent: Buffer.from('00-1'), 'docket-rerouted-from': '3/17' },
    });
  });

  test.each([
    ['at', 64 * 1024 - 1, ['x', 'docket-rerouted-from']],
    ['over', 64 * 1024, ['docket-rerouted-from']],
  ])('headers %s the limit: with more, Kafka might refuse it for ever', (_name, bytes, names) => {
    expect(Object.keys(rerouted(stray(5, { x: Buffer.alloc(bytes) })).headers ?? {})).toEqual(names);
  });

  test('I8: no call holds more than the publisher takes at once, whatever the strays are made of', () => {
    const records = Array.from({ length: 1_000 }, () => rerouted(stray(100, { x: Buffer.alloc(60_000) })));
    const calls = inCalls(records);
    expect(calls.flat()).toEqual(records);
    expect(Math.max(...calls.map((call) => call.length))).toBeLessThan(140);
    expect(Math.min(...calls.map((call) => call.length))).toBeGreaterThan(0);
    expect(inCalls([])).toEqual([]);
  });
});
