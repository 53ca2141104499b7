import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { eventStatement, pageStatement, placeStatement } from '../../src/pages/event-sql-mapper.ts';
import { parseFilter } from '../parameters.ts';

const page = (query: string, after: Parameters<typeof pageStatement>[0]['after'] = null) =>
  pageStatement({ search: parseFilter(query).scoped, after, limit: 101 });

/** The conditions of a statement, with their values in place of the placeholders. */
function conditionsOf({ sql, params }: ReturnType<typeof page>): string[] {
  const where = sql.slice(sql.indexOf('WHERE') + 6, sql.indexOf('\nORDER'));
  return where
    .split('\n  AND ')
    .map((clause) => clause.replaceAll(/\{(p\d+):[^}]+\}/g, (_, name: string) => JSON.stringify(params[name])));
}

const ipv6 = (digits: string): string => `0000:0000:0000:0000:0000:ffff:${digits.slice(0, 4)}:${digits.slice(4)}`;

describe('pageStatement', () => {
  test('is scoped to the tenant and the default statuses, newest first', () => {
    const statement = page('');
    expect(conditionsOf(statement)).toEqual(['tenant_id = "acme"', 'status IN ["accepted","conflict"]']);
    expect(statement.sql).toContain('ORDER BY occurred_at DESC, id DESC\nLIMIT {p2:UInt64}');
    expect(statement.params['p2']).toBe(101);
  });

  test.each([
    ['actor_id=a&actor_id=b', 'actor_id IN ["a","b"]'],
    ['service=s', 'source_service IN ["s"]'],
    ['action=a.b&action=c.*&action=d.*', '(action IN ["a.b"] OR startsWith(action, "c.") OR startsWith(action, "d."))'],
    ['resource=t:i', 'hasAny(resource_keys, ["t:i"])'],
    ['resource_type=t', 'hasAny(resources.type, ["t"])'],
    ['resource_id=I.1', '(hasAllTokens(search_text, ["i","1"]) AND hasAny(resources.id, ["I.1"]))'],
    ['q=-resource_id:i', 'NOT hasAny(resources.id, ["i"])'],
    ['metadata.k=v', 'hasAny(metadata_items, ["k=v"])'],
    ['trace_id=t', '(hasAny(trace_keys, ["t"]) AND trace_id IN ["t"])'],
    ['q=-trace_id:t', 'NOT trace_id IN ["t"]'],
    ['q=Login failed', 'hasAllTokens(search_text, ["failed"])', 'hasAllTokens(search_text, ["login"])'],
    [
      'ip=10.0.0.0/8',
      `(((startsWith(ip, "10.") OR position(ip, ':') > 0) AND ifNull(toIPv6OrNull(ip) BETWEEN "${ipv6('0a000000')}" AND "${ipv6('0affffff')}", false)))`,
    ],
    [
      'ip=::/1',
      `((ifNull(toIPv6OrNull(ip) BETWEEN "${'0000:'.repeat(8).slice(0, -1)}" AND "7fff:${'ffff:'.repeat(7).slice(0, -1)}", false)))`,
    ],
    ['since=1970-01-01T00:00:01Z', "(occurred_at >= fromUnixTimestamp64Micro(1000000, 'UTC'))"],
    [
      'since=1970-01-03T00:00:00.000001Z',
      "(occurred_at >= fromUnixTimestamp64Micro(172800000001, 'UTC') AND received_at >= fromUnixTimestamp64Milli(86400000, 'UTC'))",
    ],
    ['until=1970-01-01T00:00:01Z', "(occurred_at < fromUnixTimestamp64Micro(1000000, 'UTC'))"],
  ])('%s', (query, ...conditions) => {
    expect(
      conditionsOf(page(query))
        .slice(1)
        .filter((clause) => !clause.startsWith('status')),
    ).toEqual(conditions);
  });

  test('a page behind a position uses the comparison that prunes', () => {
    const id = '0199f3c2-0000-7000-8000-00000000000a';
    expect(conditionsOf(page('', { occurredAt: 5, id, seq: 9 })).slice(2)).toEqual([
      "occurred_at <= fromUnixTimestamp64Micro(5, 'UTC')",
      `(occurred_at < fromUnixTimestamp64Micro(5, 'UTC') OR id < "${id}" OR (id = "${id}" AND seq < 9))`,
    ]);
  });

  test('a part of the log is asked for as by a search', () => {
    const query = { search: parseFilter('').scoped, after: null, limit: 9, within: { from: null, before: 7 } };
    expect(conditionsOf(pageStatement(query)).slice(2)).toEqual(["(occurred_at < fromUnixTimestamp64Micro(7, 'UTC'))"]);
  });

  test('the rows of one place are those of the page there', () => {
    const id = '0199f3c2-0000-7000-8000-00000000000a';
    const query = { search: parseFilter('actor_id=a').scoped, after: { occurredAt: 5, id, seq: 9 }, limit: 3 };
    const statement = placeStatement(query, { occurredAt: 5, id });
    expect(conditionsOf(statement)).toEqual([
      ...conditionsOf(pageStatement(query)),
      "occurred_at = fromUnixTimestamp64Micro(5, 'UTC')",
      `id = "${id}"`,
    ]);
    expect(statement.sql).toContain('ORDER BY seq DESC');
    expect(Object.values(statement.params).at(-1)).toBe(3);
  });

  test('I5: no value of a caller stands in the text, whatever it is', () => {
    const text = page('actor_id=x').sql;
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 50 }), (value) => {
        expect(page(new URLSearchParams({ actor_id: value }).toString()).sql).toBe(text);
        const quoted = `actor:"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
        expect(page(new URLSearchParams({ q: quoted }).toString()).sql).toBe(text);
      }),
    );
  });

  test('I5: the tenant stands in every statement once, from the scope and not from a filter', () => {
    for (const statement of [
      page('actor_id=tenant_id&metadata.tenant_id=other'),
      eventStatement(parseFilter('').scoped, 'x', 1),
    ]) {
      expect(statement.sql.match(/tenant_id = \{p0:String\}/g)).toHaveLength(1);
      expect(statement.params['p0']).toBe('acme');
    }
  });
});
