import { describe, expect, test } from '@jest/globals';
import type { EventStatus, StoredEventRow } from '@docket/event';
import { eventAnswer, feedText, publicEventOf, shownEventOf } from '../src/answer-mapper.ts';
import { storedRow } from './stored-row.ts';

const rows = (...given: Partial<StoredEventRow>[]): StoredEventRow[] => given.map(storedRow);

describe('publicEventOf', () => {
  test('I5: shows nothing of Kafka, of the ingest and of bytes', () => {
    const shown = publicEventOf(storedRow({ ingest_key_id: 'k-secret', ingest_from: '10.9.8.7' }));
    expect(JSON.stringify(shown)).not.toMatch(/k-secret|10\.9\.8\.7|src_|raw|schema/);
    expect(shown).toMatchObject({ seq: 1, tenant_id: 'acme', received_at: '2026-11-01T00:00:00.000Z' });
    expect(shown).not.toHaveProperty('status');
  });
});

describe('shownEventOf', () => {
  const place = {
    seq: 71,
    source_counter: 72,
    ip: '203.0.113.73',
    user_agent: 'agent-74',
    country: 'DE',
    session_id: 'session-75',
    request_id: 'request-76',
    metadata: { _redrive_of: '72', plan: 'pro' },
  };
  const own = {
    actors: [{ type: 'user', id: 'u_1' }],
    onBehalfOf: [{ type: 'user', id: 'u_2' }],
    resources: [{ type: 'user', id: 'u_2' }],
  };

  test('shows all of it to those who see the whole log', () => {
    expect(shownEventOf(storedRow(place), null)).toEqual(publicEventOf(storedRow(place)));
    expect(shownEventOf(storedRow(place), null)).toMatchObject({ seq: 71, source: { counter: 72 } });
  });

  test('I5: of an own action, all but what counts the events of others', () => {
    const shown = shownEventOf(storedRow(place), own);
    expect(shown).toMatchObject({ context: { ip: '203.0.113.73', user_agent: 'agent-74', session_id: 'session-75' } });
    expect(JSON.stringify(shown)).not.toMatch(/7[12]/);
    expect(shown.metadata).toEqual({ plan: 'pro' });
  });

  test.each([
    ['another actor', { actor_id: 'u_2' }],
    ['the same id of another type', { actor_type: 'api_key' }],
    ['an actor on behalf of the user', { actor_id: 'u_3', on_behalf_of_type: 'user', on_behalf_of_id: 'u_1' }],
  ])('I5: nothing of where %s acts from', (_, actor) => {
    const shown = shownEventOf(storedRow({ ...place, ...actor }), own);
    expect(JSON.stringify(shown)).not.toMatch(/7[12345]|"DE"/);
    expect(shown.context).toEqual({ request_id: 'request-76' });
  });

  test('I5: the other rows of an id are shown in the same way', () => {
    const answer = eventAnswer(
      rows({ ...place, actor_id: 'x' }, { ...place, actor_id: 'x', status: 'duplicate' }),
      own,
    );
    expect(answer?.occurrences).toHaveLength(1);
    expect(JSON.stringify(answer)).not.toMatch(/7[12345]|"DE"/);
  });
});

describe('eventAnswer', () => {
  test('is null without rows', () => {
    expect(eventAnswer([], null)).toBeNull();
  });

  test('is the accepted row of the lowest seq, the others under occurrences', () => {
    const answer = eventAnswer(
      rows({ seq: 3, status: 'conflict' }, { seq: 5 }, { seq: 8, status: 'duplicate' }, { seq: 9 }),
      null,
    );
    expect(answer?.seq).toBe(5);
    expect(answer?.occurrences?.map(({ seq, status }) => [seq, status])).toEqual([
      [3, 'conflict'],
      [8, 'duplicate'],
      [9, undefined],
    ]);
  });

  test('is the first row when none is accepted, without occurrences when it is alone', () => {
    expect(eventAnswer(rows({ seq: 4, status: 'duplicate' }), null)).toMatchObject({ seq: 4, status: 'duplicate' });
    expect(eventAnswer(rows({ seq: 4, status: 'duplicate' }), null)).not.toHaveProperty('occurrences');
  });
});

describe('feedText', () => {
  const state = { after: 4, firstSeq: 1, headSeq: 12, asOf: '2026-11-23T09:00:00.000Z' };
  const text = (seq: number, status: EventStatus = 'accepted', isFound = true) => ({
    seq,
    status,
    text: Buffer.from(isFound && (status === 'accepted' || status === 'conflict') ? `{"seq":${seq}}` : ''),
  });
  const skippedNone = { filtered: 0, duplicate: 0, quarantined: 0, rerouted: 0, lost: 0 };
  function answerOf(given: ReturnType<typeof text>[], overrides: Partial<typeof state> = {}): unknown {
    return JSON.parse(feedText(given, { ...state, ...overrides }).json.toString());
  }

  test('I3: accounts for every seq between after and next_after', () => {
    const given = [
      text(5),
      text(6, 'duplicate'),
      text(7, 'conflict'),
      text(8, 'quarantined'),
      text(9, 'rerouted'),
      text(10, 'lost'),
    ];
    expect(answerOf(given)).toEqual({
      data: [{ seq: 5 }, { seq: 7 }],
      skipped: { ...skippedNone, duplicate: 1, quarantined: 1, rerouted: 1, lost: 1 },
      next_after: 10,
      complete_through: 12,
      as_of: state.asOf,
      first_seq: 1,
    });
    expect(feedText(given, state).eventsCount).toBe(2);
  });

  test('I3: accounts for what the search leaves out', () => {
    const given = [text(5, 'accepted', false), text(6), text(7, 'duplicate'), text(8, 'conflict', false)];
    expect(answerOf(given)).toMatchObject({
      data: [{ seq: 6 }],
      skipped: { ...skippedNone, filtered: 2, duplicate: 1 },
      next_after: 8,
    });
    expect(feedText(given, state).eventsCount).toBe(1);
  });

  test('stays where it is when there is nothing new', () => {
    expect(answerOf([], { headSeq: 4 })).toMatchObject({ data: [], next_after: 4, complete_through: 4 });
    expect(feedText([], state).eventsCount).toBe(0);
  });

  test('says of a seq that the log has not reached that it has not', () => {
    expect(answerOf([], { after: 9_000 })).toMatchObject({ data: [], next_after: 9_000, complete_through: 12 });
  });

  test('never says that less is complete than it shows', () => {
    expect(answerOf([text(5)], { headSeq: 4 })).toMatchObject({ complete_through: 5 });
  });
});
