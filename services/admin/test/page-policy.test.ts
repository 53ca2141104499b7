import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { pageOf, readPageRequest, readTenantFilter } from '../src/page-policy.ts';

describe('pages', () => {
  test('cover every item once, in order of id, whatever the page size', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1 })), fc.integer({ min: 1, max: 10 }), (ids, limit) => {
        const items = ids.map((id) => ({ id }));
        const seen: string[] = [];
        let cursor: string | null = null;
        do {
          const request = readPageRequest({ limit: String(limit), ...(cursor === null ? {} : { cursor }) });
          const page: { data: readonly { id: string }[]; next_cursor: string | null } = pageOf(
            items,
            request,
            (item) => item,
          );
          expect(page.data.length).toBeLessThanOrEqual(limit);
          seen.push(...page.data.map(({ id }) => id));
          cursor = page.next_cursor;
        } while (cursor !== null);
        expect(seen).toEqual(ids.toSorted((a, b) => (a < b ? -1 : 1)));
      }),
    );
  });

  test('show nothing but what is on them', () => {
    const items = ['d', 'b', 'a', 'c'].map((id) => ({ id }));
    const asked: string[] = [];
    const page = pageOf(items, { limit: 2, afterId: 'a' }, ({ id }) => {
      asked.push(id);
      return { name: id };
    });
    expect([page.data, asked]).toEqual([
      [{ name: 'b' }, { name: 'c' }],
      ['b', 'c'],
    ]);
  });

  test('the limit is 100 unless asked', () => {
    expect(readPageRequest({})).toEqual({ limit: 100, afterId: '' });
  });

  test.each(['0', '1001', '-1', '1.5', 'x', '', ['1', '2']])('limit %j is refused', (limit) => {
    expect(() => readPageRequest({ limit })).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });

  test.each(['', '%', 'not base64url!', ['YQ', 'Yg']])('cursor %j is refused', (cursor) => {
    expect(() => readPageRequest({ cursor })).toThrow(expect.objectContaining({ code: 'invalid_cursor' }));
  });
});

test('a repeated tenant_id is refused, not taken for none', () => {
  expect(() => readTenantFilter({ tenant_id: ['a', 'b'] })).toThrow(
    expect.objectContaining({ code: 'invalid_request' }),
  );
  expect([readTenantFilter({ tenant_id: 'a' }), readTenantFilter({})]).toEqual(['a', undefined]);
});
