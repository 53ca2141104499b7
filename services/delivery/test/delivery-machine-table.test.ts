import { describe, expect, test } from '@jest/globals';

import { stepDelivery } from '../src/delivery-machine.ts';
import type { Phase } from '../src/delivery-state.ts';
import { inputs, isInputName, isPhaseName, nowMs, short, stateIn } from './machine-for-tests.ts';
import type { InputName } from './machine-for-tests.ts';

/** Phase after the input, and the effects in order. `=`: nothing happens. */
const stays = '=';
const table: Record<Phase['name'], Record<InputName, string>> = {
  idle: {
    began: 'queued: ask',
    grew: 'lingering: wake',
    due: stays,
    slot: 'idle: release',
    readBatch: stays,
    readEmpty: stays,
    readProof: stays,
    readNothing: stays,
    readBehind: stays,
    readFailed: stays,
    delivered: stays,
    retry: stays,
    split: stays,
    rejectEvent: stays,
    misconfigured: stays,
    gone: stays,
    changed: 'queued: ask',
    paused: 'idle: ',
  },
  lingering: {
    began: stays,
    grew: stays,
    due: 'queued: ask',
    slot: 'lingering: release',
    readBatch: stays,
    readEmpty: stays,
    readProof: stays,
    readNothing: stays,
    readBehind: stays,
    readFailed: stays,
    delivered: stays,
    retry: stays,
    split: stays,
    rejectEvent: stays,
    misconfigured: stays,
    gone: stays,
    changed: 'queued: ask',
    paused: 'idle: ',
  },
  queued: {
    began: stays,
    grew: stays,
    due: stays,
    slot: 'reading: read',
    readBatch: stays,
    readEmpty: stays,
    readProof: stays,
    readNothing: stays,
    readBehind: stays,
    readFailed: stays,
    delivered: stays,
    retry: stays,
    split: stays,
    rejectEvent: stays,
    misconfigured: stays,
    gone: stays,
    changed: 'queued: ',
    paused: 'idle: cancel',
  },
  reading: {
    began: stays,
    grew: 'reading: ',
    due: stays,
    slot: 'reading: release',
    readBatch: 'sending: send',
    readEmpty: 'idle: release save wake',
    readProof: 'sending: send',
    readNothing: 'idle: release save-later wake',
    readBehind: 'resting: release wake',
    readFailed: 'resting: release wake',
    delivered: stays,
    retry: stays,
    split: stays,
    rejectEvent: stays,
    misconfigured: stays,
    gone: stays,
    changed: 'reading: ',
    paused: 'reading: ',
  },
  sending: {
    began: stays,
    grew: 'sending: ',
    due: stays,
    slot: 'sending: release',
    readBatch: stays,
    readEmpty: stays,
    readProof: stays,
    readNothing: stays,
    readBehind: stays,
    readFailed: stays,
    delivered: 'idle: release save wake',
    retry: 'resting: release save wake',
    split: 'queued: release ask',
    rejectEvent: 'resting: release save wake',
    misconfigured: 'resting: release save wake',
    gone: 'suspended: release save',
    changed: 'sending: ',
    paused: 'sending: ',
  },
  resting: {
    began: stays,
    grew: stays,
    due: 'queued: ask',
    slot: 'resting: release',
    readBatch: stays,
    readEmpty: stays,
    readProof: stays,
    readNothing: stays,
    readBehind: stays,
    readFailed: stays,
    delivered: stays,
    retry: stays,
    split: stays,
    rejectEvent: stays,
    misconfigured: stays,
    gone: stays,
    changed: 'queued: ask',
    paused: 'idle: ',
  },
  suspended: {
    began: stays,
    grew: stays,
    due: stays,
    slot: 'suspended: release',
    readBatch: stays,
    readEmpty: stays,
    readProof: stays,
    readNothing: stays,
    readBehind: stays,
    readFailed: stays,
    delivered: stays,
    retry: stays,
    split: stays,
    rejectEvent: stays,
    misconfigured: stays,
    gone: stays,
    changed: 'queued: save ask',
    paused: 'idle: save',
  },
};

const cases = Object.entries(table).flatMap(([phase, row]) =>
  Object.entries(row).map(([input, expected]): [string, string, string] => [phase, input, expected]),
);

describe('every phase with every input', () => {
  test.each(cases)('%s, %s → %s', (phase, input, expected) => {
    if (!isPhaseName(phase) || !isInputName(input)) throw new Error('not in the table');
    const before = stateIn(phase);
    const { state, effects } = stepDelivery(before, inputs[input], nowMs);
    if (expected === stays) {
      expect({ state, effects }).toEqual({ state: before, effects: [] });
    } else {
      expect(`${state.phase.name}: ${short(effects)}`).toBe(expected);
    }
    // I6: only an acknowledgement moves the cursor, or that there is nothing to acknowledge.
    const isMoved = (phase === 'sending' && input === 'delivered') || (phase === 'reading' && input === 'readEmpty');
    expect(state.cursor.seq).toBe(isMoved ? 15 : 10);
  });
});
