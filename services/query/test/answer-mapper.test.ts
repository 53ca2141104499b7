import { describe, expect, test } from '@jest/globals';
import type { StoredEventRow } from '@docket/event';
import { eventAnswer, feedAnswer, publicEventOf, shownEventOf } from '../src/answer-mapper.ts';
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

describe('feedAnswer', () => {
  const state = { after: 4, firstSeq: 1, headSeq: 12, asOf: '2026-11-23T09:00:00.000Z', matches: () => true };

  test('I3: accounts for every seq between after and next_after', () => {
    const answer = feedAnswer(
      rows(
        { seq: 5 },
        { seq: 6, status: 'duplicate' },
        { seq: 7, status: 'conflict' },
        { seq: 8, status: 'quarantined' },
        { seq: 9, status: 'rerouted' },
        { seq: 10, status: 'lost' },
      ),
      state,
    );
    expect(answer.data.map(({ seq }) => seq)).toEqual([5, 7]);
    expect(answer.skipped).toEqual({ filtered: 0, duplicate: 1, quarantined: 1, rerouted: 1, lost: 1 });
    expect(answer.next_after).toBe(10);
    expect(answer.complete_through).toBe(12);
    expect(answer.data.length + Object.values(answer.skipped).reduce((sum, count) => sum + count, 0)).toBe(10 - 4);
  });

  test('I3: accounts for what the search leaves out', () => {
    const given = rows({ seq: 5 }, { seq: 6, action: 'user.deleted' }, { seq: 7, status: 'duplicate' }, { seq: 8 });
    const answer = feedAnswer(given, { ...state, matches: ({ event }) => event.action === 'user.deleted' });
    expect(answer.data.map(({ seq }) => seq)).toEqual([6]);
    expect(answer.skipped).toEqual({ filtered: 2, duplicate: 1, quarantined: 0, rerouted: 0, lost: 0 });
    expect(answer.next_after).toBe(8);
  });

  test('stays where it is when there is nothing new', () => {
    expect(feedAnswer([], { ...state, headSeq: 4 })).toMatchObject({ data: [], next_after: 4, complete_through: 4 });
  });

  test('says of a seq that the log has not reached that it has not', () => {
    const answer = feedAnswer([], { ...state, after: 9_000, headSeq: 12 });
    expect(answer).toMatchObject({ data: [], next_after: 9_000, complete_through: 12 });
  });

  test('never says that less is complete than it shows', () => {
    expect(feedAnswer(rows({ seq: 5 }), { ...state, headSeq: 4 }).complete_through).toBe(5);
  });
});
