import { describe, expect, test } from '@jest/globals';
import { pageOf } from '../../src/pages/page-policy.ts';
import { storedRow } from '../stored-row.ts';

const at = (occurredAt: number, seq: number, id = 'a') => storedRow({ occurred_at: occurredAt, id, seq });
const seqsOf = ({ rows }: ReturnType<typeof pageOf>): number[] => rows.map(({ seq }) => seq);

describe('pageOf', () => {
  test('orders the rows of one place by seq, and leaves the places as they are', () => {
    const page = pageOf([at(3, 1, 'a'), at(3, 2, 'b'), at(3, 4, 'b'), at(3, 3, 'b'), at(2, 9), at(1, 8)], 5, false);
    expect(seqsOf(page)).toEqual([1, 4, 3, 2, 9]);
    expect(page.cut).toBeNull();
  });

  test.each([
    ['shorter than the limit', 4],
    ['as long as the limit', 3],
  ])('a log that is %s has no cut', (_, limit) => {
    const rows = [at(3, 1), at(2, 3), at(2, 2)];
    expect(pageOf([at(3, 1), at(2, 2), at(2, 3)], limit, false)).toEqual({ rows, cut: null, hasMore: false });
  });

  test('rows of the place in which the limit falls are left out: which of them were found says nothing', () => {
    const cut = { occurredAt: 2, id: 'a' };
    expect(pageOf([at(3, 1), at(2, 2), at(2, 3)], 2, false)).toEqual({ rows: [at(3, 1)], cut, hasMore: true });
    expect(pageOf([at(2, 2), at(2, 3)], 1, false)).toEqual({ rows: [], cut, hasMore: true });
  });

  test('the same time or the same id alone is another place', () => {
    expect(pageOf([at(3, 1, 'a'), at(3, 2, 'b')], 1, false).cut).toBeNull();
    expect(pageOf([at(3, 1), at(2, 2)], 1, false).cut).toBeNull();
  });

  test('of what was cut for its bytes the last place may have more rows than were found', () => {
    const cut = { occurredAt: 2, id: 'a' };
    expect(pageOf([at(3, 1), at(2, 2)], 5, true)).toEqual({ rows: [at(3, 1)], cut, hasMore: true });
    expect(pageOf([at(2, 2)], 5, true)).toEqual({ rows: [], cut, hasMore: true });
    expect(pageOf([], 5, true)).toEqual({ rows: [], cut: null, hasMore: true });
  });
});
