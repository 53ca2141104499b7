import { describe, expect, test } from '@jest/globals';
import { parseEvent } from '@docket/event';

import type { Cursor } from '../../src/cursors/cursor-mapper.ts';
import { stepDelivery } from '../../src/machine/delivery-machine.ts';
import { initialState } from '../../src/machine/delivery-state.ts';
import type { DeliveryState, Input } from '../../src/machine/delivery-state.ts';
import { untoldMax } from '../../src/notices/notice-mapper.ts';
import { noticeIntervalMs } from '../../src/notices/notice-policy.ts';
import type { Notice } from '../../src/notices/notice-mapper.ts';
import { entryOfText } from '../../src/batches/log-entry-mapper.ts';
import { eventOfNotice, ownNoticesOf, withoutOwnNotices } from '../../src/notices/notice-event-mapper.ts';
import { cursor, inputs, nowMs, place, short, stateIn, wish } from '../machine-for-tests.ts';

/** A machine whose request is under way. */
function sending(changes: Partial<Cursor> = {}): DeliveryState {
  const phase = { name: 'sending', batch: place, following: [], aside: null, version: 'v1', leftOut: [] } as const;
  return { ...initialState({ ...cursor, ...changes }, wish), phase };
}

function step(state: DeliveryState, input: Input, atMs = nowMs) {
  const stepped = stepDelivery(state, input, atMs);
  const told = stepped.state.cursor.untold;
  const saves = stepped.effects.filter(({ type }) => type === 'save');
  return { cursor: stepped.state.cursor, told, saves };
}

const failingFor = (ms: number, changes: Partial<Cursor> = {}): DeliveryState =>
  sending({ state: 'failing', failingSinceMs: nowMs - ms, lastError: 'timeout', ...changes });

describe('failing', () => {
  test.each([
    [wish.noticeAfterMs - 1, 0],
    [wish.noticeAfterMs, 1],
    [wish.noticeAfterMs + 1, 1],
  ])('is told of when it has lasted for %i ms: %i times', (ms, times) => {
    const { told, cursor: after, saves } = step(failingFor(ms), inputs.retry);
    expect(told).toHaveLength(times);
    expect(after.noticed).toBe(times === 0 ? 'none' : 'failing');
    if (times > 0) {
      expect(told[0]).toMatchObject({ kind: 'failing', sinceMs: nowMs - ms, atMs: nowMs });
      expect(after.noticedAtMs).toBe(nowMs);
      expect(saves).not.toEqual([]);
    }
  });

  test('is told of once an outage', () => {
    expect(step(failingFor(1e6, { noticed: 'failing', noticedAtMs: 1 }), inputs.retry).told).toEqual([]);
  });

  test.each([
    [noticeIntervalMs - 1, 0],
    [noticeIntervalMs, 1],
  ])('%i ms after the last notice is told of %i times: a receiver that flaps makes no flood', (ms, times) => {
    const { told } = step(failingFor(1e6, { noticed: 'none', noticedAtMs: nowMs - ms }), inputs.retry);
    expect(told).toHaveLength(times);
  });
});

describe('recovered', () => {
  test.each(['failing', 'suspended'] as const)(
    'ends an outage that was told of as %s, with its beginning and its error',
    (noticed) => {
      const { told, cursor: after } = step(failingFor(5_000, { noticed, noticedAtMs: 1 }), inputs.delivered);
      expect(told).toEqual([{ kind: 'recovered', sinceMs: nowMs - 5_000, error: 'timeout', atMs: nowMs }]);
      expect(after).toMatchObject({ noticed: 'none', noticedAtMs: nowMs, state: 'active' });
    },
  );

  test('is not told of an outage that nobody was told of, nor of every delivery', () => {
    expect(step(failingFor(5_000), inputs.delivered).told).toEqual([]);
    expect(step(sending(), inputs.delivered).told).toEqual([]);
  });

  test('is the receiver’s word, not the owner’s who resumes', () => {
    const suspended = initialState(
      { ...cursor, state: 'suspended', suspendedVersion: 'v1', noticed: 'suspended', noticedAtMs: 1 },
      wish,
    );
    const resumed = step(suspended, { ...wish, type: 'changed', version: 'v2' });
    expect(resumed.told).toEqual([]);
    expect(resumed.cursor).toMatchObject({ state: 'active', noticed: 'suspended' });
    expect(step({ ...sending(), cursor: resumed.cursor }, inputs.delivered).told).toMatchObject([
      { kind: 'recovered' },
    ]);
  });
});

describe('suspended', () => {
  test.each(['none', 'failing'] as const)('is told of at once, behind %s', (noticed) => {
    const gone: Input = {
      type: 'answered',
      outcome: { kind: 'gone' },
      error: 'status_410',
      excerpt: '',
      retryAfterMs: null,
      jitter: 0,
    };
    const { told, cursor: after } = step(sending({ noticed, noticedAtMs: nowMs - 1 }), gone);
    expect(told).toMatchObject([{ kind: 'suspended', error: 'status_410' }]);
    expect(after.noticed).toBe('suspended');
  });
});

describe('a notice', () => {
  const notice: Notice = { kind: 'failing', sinceMs: 1_000, error: 'status_503', atMs: 61_000 };
  const older: Notice = { ...notice, kind: 'recovered' };
  const untold = { untold: [older, notice] };
  const tell = { type: 'tell', notice } as const;

  test('is told when it is in the cursor that is kept, and then once', () => {
    const kept = stepDelivery(sending(untold), { type: 'kept', untold: [notice] }, nowMs);
    expect(kept.effects).toEqual([tell]);
    expect(stepDelivery(kept.state, { type: 'kept', untold: [notice] }, nowMs).effects).toEqual([]);
  });

  test('is told again by the next owner as it was, when that has kept it, whatever the state of the subscription', () => {
    for (const phase of ['idle', 'suspended'] as const) {
      const { state, effects } = stepDelivery(
        stateIn(phase, { cursor: { ...cursor, ...untold } }),
        inputs.began,
        nowMs,
      );
      expect(short(effects)).toBe(phase === 'idle' ? 'save ask' : 'save');
      const kept = stepDelivery(state, { type: 'kept', ...untold }, nowMs);
      expect(kept.effects).toEqual([{ ...tell, notice: older }, tell]);
    }
  });

  test('that has been told is forgotten, and one that is not known changes nothing', () => {
    const telling = { ...sending(untold), telling: [older, notice] };
    const { state, effects } = stepDelivery(telling, { type: 'told', notice }, nowMs);
    expect(state.cursor.untold).toEqual([older]);
    expect(state.telling).toEqual([older]);
    expect(effects).toEqual([{ type: 'save', isUrgent: true }]);
    expect(stepDelivery(state, { type: 'told', notice }, nowMs)).toEqual({ state, effects: [] });
    expect(stepDelivery(state, { type: 'kept', untold: [notice] }, nowMs).effects).toEqual([]);
  });

  test('waits for Kafka with at most seven others', () => {
    const many = Array.from({ length: untoldMax }, (_, n): Notice => ({ ...notice, kind: 'recovered', atMs: n }));
    const { told } = step(failingFor(1e6, { untold: many }), inputs.retry);
    expect(told).toEqual([...many.slice(1), expect.objectContaining({ kind: 'failing', atMs: nowMs })]);
  });
});

describe('the event of a notice', () => {
  const subscription = { id: 'sub_1', tenant_id: 'acme', name: 'a SIEM' };
  const notice: Notice = { kind: 'failing', sinceMs: 1_000, error: 'status_503', atMs: 61_000 };

  test('is the same for the same notice, and another one for another outage, kind or subscription', () => {
    const { id } = eventOfNotice(subscription, notice);
    expect(eventOfNotice(subscription, { ...notice, atMs: 62_000 }).id).toBe(id);
    const others = [
      eventOfNotice(subscription, { ...notice, sinceMs: 2_000 }),
      eventOfNotice(subscription, { ...notice, kind: 'suspended' }),
      eventOfNotice({ ...subscription, id: 'sub_2' }, notice),
    ].map((event) => event.id);
    expect(new Set([id, ...others]).size).toBe(4);
  });

  test('is an event whatever the subscription is called', () => {
    const event = eventOfNotice({ ...subscription, name: 'half \ud83d' }, notice);
    expect(parseEvent(event, notice.atMs, event.id)).toMatchObject({
      ok: true,
      event: { resources: [{ id: 'sub_1', name: 'half \ufffd' }] },
    });
  });

  test('is not sent to the subscription that it is about, whatever its filter; and to the others as it says', () => {
    const { resources = [], action } = eventOfNotice(subscription, notice);
    const stored = (of: object) => ({ seq: 1, receivedAtMs: 1, status: 'accepted', event: of }) as never;
    const matches = withoutOwnNotices('sub_1', () => true);
    expect(matches(stored({ action, resources }))).toBe(false);
    expect(withoutOwnNotices('sub_2', () => true)(stored({ action, resources }))).toBe(true);
    expect(matches(stored({ action: 'user.login', resources }))).toBe(true);
    // What people change of a subscription is for its receiver, too.
    expect(matches(stored({ action: 'docket.subscription.paused', resources }))).toBe(true);
    expect(withoutOwnNotices('sub_2', () => false)(stored({ action, resources }))).toBe(false);
  });

  test('is not sent to it from the texts that ClickHouse writes either', () => {
    const text = Buffer.from(JSON.stringify({ ...eventOfNotice(subscription, notice), seq: 9 }));
    const stored = { seq: 9, status: 'accepted', receivedAtMs: 1, text } as const;
    expect(entryOfText(stored, ownNoticesOf('sub_1'))).toMatchObject({ seq: 9, kind: 'skipped', reason: 'filtered' });
    expect(entryOfText(stored, ownNoticesOf('sub_2'))).toMatchObject({ seq: 9, kind: 'event' });
    const mentions = Buffer.from(JSON.stringify({ action: 'a.b', description: '"docket.subscription.', seq: 9 }));
    expect(entryOfText({ ...stored, text: mentions }, ownNoticesOf('sub_1'))).toMatchObject({ kind: 'event' });
  });
});
