import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  eventStatuses,
  normaliseSearch,
  parseSearch,
  printSearch,
  tokensOf,
  type Search,
  type TermContext,
} from '../../src/index.ts';
import { searchDepthMax, searchTermsMax, searchUnitsMax } from '../../src/search/parse-search.ts';
import { createChance } from '../event-maker.ts';
import { searchFrom } from './search-maker.ts';

const nowMicros = Date.UTC(2026, 10, 23) * 1_000;
const context: TermContext = { nowMicros, statuses: eventStatuses };
const ofTenants: TermContext = { nowMicros, statuses: ['accepted', 'conflict', 'duplicate'] };

/** The canonical text, or the error as `position+length: detail`. */
function read(text: string, given = context): string {
  const parsed = parseSearch(text, given);
  if (parsed.ok) return printSearch(parsed.search);
  const { position, length, detail } = parsed.error;
  return `${position}+${length}: ${detail}`;
}

describe('what a q means, in its canonical text', () => {
  test.each([
    ['', '*'],
    [' \t\n\u00a0', '*'],
    ['*', '*'],
    ['-*', '-*'],
    ['login', 'login'],
    ['Login', 'login'],
    ['"free words"', '"free words"'],
    ['"words free words"', '"free words"'],
    ['user.role', '"role user"'],
    ['ÄB', '"Äb"'],
    ['b a', 'a b'],
    ['a a', 'a'],
    ['a AND b', 'a b'],
    ['a and b', 'a and b'],
    ['-a', '-a'],
    ['NOT a', '-a'],
    ['--a', 'a'],
    ['NOT -a', 'a'],
    ['-(a)', '-a'],
    ['-(a b)', '-(a b)'],
    ['a OR b', 'a OR b'],
    ['c OR a b', '(a b) OR c'],
    ['(a OR b) c', '(a OR b) c'],
    ['((a OR b) OR c)', 'a OR b OR c'],
    ['a OR *', '*'],
    ['a *', 'a'],
    ['a OR -*', 'a'],
    ['actor:u_1', 'actor_id:u_1'],
    ['actor_id:u_1', 'actor_id:u_1'],
    ['on_behalf_of:u_9', 'on_behalf_of_id:u_9'],
    ['actor:b OR actor:a OR actor_id:b', 'actor_id:a OR actor_id:b'],
    ['-(actor:a OR actor:b)', '-(actor_id:a OR actor_id:b)'],
    ['actor:"a b"', 'actor_id:"a b"'],
    ['actor:"a\\"\\\\b"', 'actor_id:"a\\"\\\\b"'],
    ['actor:"a*"', 'actor_id:"a*"'],
    ['actor:"a b"*', 'actor_id:"a b"*'],
    ['actor:">5"', 'actor_id:">5"'],
    ['actor:a:b', 'actor_id:a:b'],
    ['actor:*', 'actor_id:*'],
    ['service:DOMAIN\\user', 'service:"DOMAIN\\\\user"'],
    ['action:user.*', 'action:user.*'],
    ['action:user.created', 'action:user.created'],
    ['resource:document:d7', 'resource:document:d7'],
    ['resource:document:a:b', 'resource:document:a:b'],
    ['resource:document:*', 'resource:document:*'],
    ['resource:*', 'resource:*'],
    ['resource_id:d*', 'resource_id:d*'],
    ['severity:high', 'severity:high'],
    ['severity:>=high', 'severity:critical OR severity:high'],
    ['severity:>high', 'severity:critical'],
    ['severity:<low', 'severity:info'],
    ['severity:<=low -a', '-a (severity:info OR severity:low)'],
    ['category:*', 'category:*'],
    ['ip:203.0.113.7', 'ip:203.0.113.7'],
    ['ip:::FFFF:203.0.113.7', 'ip:203.0.113.7'],
    ['ip:203.0.113.7/24', 'ip:203.0.113.0/24'],
    ['ip:203.0.113.7/32', 'ip:203.0.113.7'],
    ['ip:::ffff:0:0/96', 'ip:0.0.0.0/0'],
    ['ip:2001:0DB8:0:0::1', 'ip:2001:db8::1'],
    ['ip:2001:db8:ffff::/33', 'ip:2001:db8:8000::/33'],
    ['ip:::/0', 'ip:::/0'],
    ['metadata.plan:pro', 'metadata.plan:pro'],
    ['metadata.a.b:"x=y"*', 'metadata.a.b:"x=y"*'],
    ['metadata.k:*', 'metadata.k:*'],
    ['since:-7d', 'occurred_at:>=2026-11-16T00:00:00.000000Z'],
    ['until:-24h', 'occurred_at:<2026-11-22T00:00:00.000000Z'],
    ['since:-30m', 'occurred_at:>=2026-11-22T23:30:00.000000Z'],
    ['since:-90s', 'occurred_at:>=2026-11-22T23:58:30.000000Z'],
    ['since:-2w', 'occurred_at:>=2026-11-09T00:00:00.000000Z'],
    ['since:-999999w', 'occurred_at:>=1900-01-01T00:00:00.000000Z'],
    ['since:2026-11-23T10:00:00.1234567+01:00', 'occurred_at:>=2026-11-23T09:00:00.123456Z'],
    ['until:9999-12-31T00:00:00Z', 'occurred_at:<2255-06-05T23:47:34.740990Z'],
    ['occurred_at:>=2026-11-23T09:00:00Z', 'occurred_at:>=2026-11-23T09:00:00.000000Z'],
    ['occurred_at:>2026-11-23T09:00:00Z', 'occurred_at:>=2026-11-23T09:00:00.000001Z'],
    ['occurred_at:<2026-11-23T09:00:00Z', 'occurred_at:<2026-11-23T09:00:00.000000Z'],
    ['occurred_at:<=2026-11-23T09:00:00Z', 'occurred_at:<2026-11-23T09:00:00.000001Z'],
    ['received_at:-2d..-1d', 'received_at:2026-11-21T00:00:00.000000Z..2026-11-22T00:00:00.000000Z'],
    ['occurred_at:2026-11-23T09:00:00Z', 'occurred_at:2026-11-23T09:00:00.000000Z'],
    ['seq:7', 'seq:7'],
    ['seq:7..7', 'seq:7'],
    ['seq:7..9', 'seq:7..9'],
    ['seq:>7', 'seq:>=8'],
    ['seq:<=7', 'seq:<8'],
    ['seq:<=99999999999999999999', '*'],
    ['status:duplicate', 'status:duplicate'],
    [
      'action:user.* -outcome:success actor:u_1 resource:document:d7 metadata.plan:pro since:-7d "free words"',
      '"free words" -outcome:success action:user.* actor_id:u_1 metadata.plan:pro occurred_at:>=2026-11-16T00:00:00.000000Z resource:document:d7',
    ],
  ])('%s', (text, canonical) => {
    expect(read(text)).toBe(canonical);
    expect(read(canonical)).toBe(canonical);
  });

  test('status:* means those that may be asked for', () => {
    expect(read('status:*', ofTenants)).toBe('status:accepted OR status:conflict OR status:duplicate');
  });
});

describe('what is wrong, and where', () => {
  test.each([
    ['actr:x', '1+4: unknown field `actr`; did you mean `actor`?'],
    ['a b Actor:x', '5+5: unknown field `Actor`; did you mean `actor`?'],
    ['meta.plan:x', '1+9: unknown field `meta.plan`; quote the term to search for its words'],
    ['http://x', '1+4: unknown field `http`; quote the term to search for its words'],
    ['constructor:x', '1+11: unknown field `constructor`; quote the term to search for its words'],
    [':x', '1+1: no field is named before :'],
    ['metadata.:x', '1+9: a key of metadata is 1 to 64 of [A-Za-z0-9_.-], as in metadata.plan:pro'],
    ['metadata.a/b:x', '1+12: a key of metadata is 1 to 64 of [A-Za-z0-9_.-], as in metadata.plan:pro'],
    ['actor:', '7+1: `actor` has no value; events without one are found by -actor_id:*'],
    ['actor:""', '7+2: `actor` has no value; events without one are found by -actor_id:*'],
    ['actor: u_1', '7+1: `actor` has no value; events without one are found by -actor_id:*'],
    ['actor:a*b', '8+1: a * stands only at the end; quote the value to mean the character'],
    ['actor:**', '7+1: a * stands only at the end; quote the value to mean the character'],
    ['actor:>5', '7+2: `actor` has no order; quote the value if it begins with >'],
    ['user*', '1+5: words are found as a whole: a * stands only at the end of the value of a field'],
    ['--', '2+1: nothing stands behind -'],
    ['a -', '3+1: nothing stands behind -'],
    ['- a', '1+1: nothing stands behind -'],
    ['a NOT', '3+3: nothing stands behind NOT'],
    ['a OR', '3+2: nothing stands behind OR'],
    ['a AND', '3+3: nothing stands behind AND'],
    ['OR a', '1+2: nothing stands before OR'],
    ['a OR OR b', '6+2: nothing stands before OR'],
    ['NOT OR a', '5+2: nothing stands before OR'],
    ['(a OR ) b', '4+2: nothing stands behind OR'],
    ['()', '1+2: nothing stands between the parentheses'],
    ['a (b', '3+1: this parenthesis is not closed'],
    ['a) b', '2+1: this parenthesis was not opened'],
    ['a "b', '3+1: this quote is not closed'],
    ['"a\\nb"', '3+1: within quotes a \\ stands only before " or another \\'],
    ['"a\\', '3+1: within quotes a \\ stands only before " or another \\'],
    ['"a"b', '4+1: a space is missing before b, or a quote around the whole value'],
    ['a"b"', '2+1: a space is missing before ", or a quote around the whole value'],
    ['actor:a(b)', '8+1: a space is missing before (, or a quote around the whole value'],
    ['(a)b', '4+1: a space is missing before b'],
    ['"---"', '1+5: there is no letter or digit to look for'],
    ['&&', '1+2: there is no letter or digit to look for'],
    ['action:User', '8+4: `action` is a dotted lower-case name, or the beginning of one with * at its end'],
    ['resource:d7', '10+2: `resource` is written type:id, or type:* for every id'],
    ['resource:doc:', '10+4: `resource` is written type:id, or type:* for every id'],
    ['resource:doc*', '10+4: `resource` is written type:id, or type:* for every id'],
    ['outcome:fail', '9+4: `outcome` is one of success, failure, denied, unknown'],
    ['outcome:suc*', '9+4: `outcome` is one of success, failure, denied, unknown'],
    ['outcome:>success', '9+8: `outcome` has no order'],
    ['severity:>critical', '10+9: `severity` has nothing above critical'],
    ['ip:10.0.1', '4+6: `ip` is an IPv4 or IPv6 address, or a block such as 203.0.113.0/24'],
    ['ip:010.0.0.1', '4+9: `ip` is an IPv4 or IPv6 address, or a block such as 203.0.113.0/24'],
    ['ip:10.0.0.0/33', '4+11: `ip` is an IPv4 or IPv6 address, or a block such as 203.0.113.0/24'],
    ['ip:fe80::1%eth0', '4+12: `ip` is an IPv4 or IPv6 address, or a block such as 203.0.113.0/24'],
    ['ip:10.*', '4+4: `ip` is an IPv4 or IPv6 address, or a block such as 203.0.113.0/24'],
    ['seq:x', '5+1: `seq` is a whole number, such as 100, >=100 or 100..199'],
    ['seq:9..1', '5+4: `seq` ends before it begins'],
    ['seq:>1..9', '5+5: `seq` takes either > or first..last'],
    ['since:>-7d', '7+4: `since` is an RFC 3339 time with an offset, such as 2026-11-23T09:00:00Z, or relative, such as -7d, -24h or -30m'],
  ])('%s', (text, error) => {
    expect(read(text)).toBe(error);
  }); // prettier-ignore

  test('a status that may not be asked for is not said to exist', () => {
    expect(read('status:lost')).toBe('status:lost');
    expect(read('status:lost', ofTenants)).toBe('8+4: `status` is one of accepted, conflict, duplicate');
  });

  test('a lone surrogate, which ClickHouse would see as another character', () => {
    expect(read('actor:\ud800')).toContain('lone surrogate');
    expect(read('actor:👩')).toBe('actor_id:"👩"');
  });
});

describe('limits, at and above', () => {
  const nested = (depth: number): string => `${'('.repeat(depth)}a${')'.repeat(depth)}`;
  const repeated = (count: number): string => Array.from({ length: count }, (_, n) => `w${n}`).join(' ');
  test.each([
    ['units', 'x'.repeat(searchUnitsMax), `${'x'.repeat(searchUnitsMax)}x`],
    ['terms', repeated(searchTermsMax), repeated(searchTermsMax + 1)],
    ['depth', nested(searchDepthMax), nested(searchDepthMax + 1)],
    ['words of one text', `"${repeated(32)}"`, `"${repeated(33)}"`],
  ])('%s', (_, allowed, refused) => {
    expect(parseSearch(allowed, context).ok).toBe(true);
    expect(parseSearch(refused, context).ok).toBe(false);
  });

  test('as many parentheses after each other as fit', () => {
    expect(parseSearch('(a) '.repeat(searchTermsMax), context).ok).toBe(true);
  });
});

test('never throws, and points into the text, whatever is sent', () => {
  const pieces = fc.constantFrom('(', ')', '-', '"', '\\', ':', '*', ' ', 'OR', 'NOT', 'a', 'actor:', 'ip:', 'seq:>=', '..', '-7d', '\0', 'metadata.', '1', '/');
  fc.assert(
    fc.property(fc.oneof(fc.array(pieces).map((all) => all.join('')), fc.string({ unit: 'binary' })), (text) => {
      const parsed = parseSearch(text, context);
      if (parsed.ok) return typeof printSearch(parsed.search) === 'string';
      const { position, length } = parsed.error;
      return position >= 1 && length >= 1 && position <= text.length + 1 && position + length <= text.length + 2;
    }),
    { numRuns: 3_000 },
  );
}); // prettier-ignore

describe('the normal form', () => {
  const searches = Array.from({ length: 4_000 }, (_, seed) => searchFrom(createChance(seed), seed % 4));

  test('comes back from its text, and is its own normal form', () => {
    for (const search of searches) {
      const normal = normaliseSearch(search);
      expect(normaliseSearch(normal)).toEqual(normal);
      expect(parseSearch(printSearch(normal), context)).toEqual({ ok: true, search: normal });
    }
  });

  test('does not depend on the order in which terms are written', () => {
    const reversed = (search: Search): Search => {
      if (search.kind === 'not') return { kind: 'not', term: reversed(search.term) };
      if (search.kind === 'and' || search.kind === 'or')
        return { kind: search.kind, terms: search.terms.map(reversed).toReversed() };
      return search.kind === 'is' ? { ...search, values: search.values.toReversed() } : search;
    };
    for (const search of searches) expect(normaliseSearch(reversed(search))).toEqual(normaliseSearch(search));
  });
});

test('tokens are what ClickHouse makes of a text', () => {
  expect(tokensOf('Hello wÖrld foo_bar a.b-c 語X\0y 👩z É é hello')).toEqual([
    'hello', 'wÖrld', 'foo', 'bar', 'a', 'b', 'c', '語x', 'y', '👩z', 'É', 'é',
  ]); // prettier-ignore
});
