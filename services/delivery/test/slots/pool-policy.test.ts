import { describe, expect, test } from '@jest/globals';

import { noAnswers, withAnswer } from '../../src/machine/breaker-policy.ts';
import { stepDelivery } from '../../src/machine/delivery-machine.ts';
import { initialState } from '../../src/machine/delivery-state.ts';
import { poolOf } from '../../src/slots/pool-policy.ts';
import { cursor, inputs, nowMs, stateIn, wish } from '../machine-for-tests.ts';

const tail = { covers: (log: string, offset: number) => log === 'acme' && offset >= 50 };
const failures = (count: number): number =>
  Array.from({ length: count }).reduce((recent: number) => withAnswer(recent, false), noAnswers);
const told = { ...cursor, toldAtMs: 5 };
const failing = { ...told, state: 'failing', failingSinceMs: 5 } as const;

describe('I7: a request waits', () => {
  test.each([
    ['among the living', told, 0, 'live'],
    ['among those that catch up when the tail does not reach back', { ...told, offset: 49 }, 0, 'catch_up'],
    ['among those that catch up when its place in Kafka is not known', { ...told, offset: null }, 0, 'catch_up'],
    ['apart until its receiver has taken something', cursor, 0, 'unproven'],
    ['with the dead when it never has, and fails', { ...cursor, state: 'failing' as const }, 1, 'failing'],
    ['apart from the dead when it has failed once', failing, 1, 'doubtful'],
    ['apart from the dead when it has failed four times', failing, 4, 'doubtful'],
    ['with the dead from the fifth time on', failing, 5, 'failing'],
  ])('%s', (_where, at, failed, pool) => {
    expect(poolOf({ cursor: at, recent: failures(failed) }, 'acme', tail)).toBe(pool);
  });

  test('as its answers come: apart at once, with the dead from the fifth failure on, back with the first success', () => {
    let state = stateIn('sending', { cursor: told });
    const waits: string[] = [];
    for (const name of ['retry', 'retry', 'retry', 'retry', 'retry', 'misconfigured', 'delivered'] as const) {
      ({ state } = stepDelivery({ ...state, phase: stateIn('sending').phase }, inputs[name], nowMs));
      waits.push(poolOf(state, 'acme', tail));
    }
    expect(waits).toEqual(['doubtful', 'doubtful', 'doubtful', 'doubtful', 'failing', 'failing', 'live']);
  });

  test('with the dead after a restart, if it was failing; and not behind them any more when its owner changes it', () => {
    const restarted = initialState(failing, wish);
    expect(poolOf(restarted, 'acme', tail)).toBe('failing');
    expect(poolOf(stepDelivery(restarted, inputs.changed, nowMs).state, 'acme', tail)).toBe('doubtful');
    const unproven = initialState({ ...failing, toldAtMs: null }, wish);
    expect(poolOf(unproven, 'acme', tail)).toBe('failing');
    expect(poolOf(stepDelivery(unproven, inputs.changed, nowMs).state, 'acme', tail)).toBe('unproven');
  });
});
