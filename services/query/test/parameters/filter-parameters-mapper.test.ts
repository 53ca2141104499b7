import { describe, expect, test } from '@jest/globals';
import { searchOfParameters, visibleStatuses } from '../../src/parameters/filter-parameters-mapper.ts';
import { pageLimit } from '../../src/parameters/endpoint-parameters.ts';
import { parametersOf, parseFilter, rules } from '../parameters.ts';

describe('each filter is a term of the language', () => {
  test.each([
    ['actor_id=u_1', 'actor_id:u_1'],
    ['actor_type=user&actor_type=api_key', 'actor_type:api_key OR actor_type:user'],
    ['on_behalf_of_id=u_9', 'on_behalf_of_id:u_9'],
    ['on_behalf_of_type=user', 'on_behalf_of_type:user'],
    ['category=access', 'category:access'],
    ['outcome=denied', 'outcome:denied'],
    ['operation=delete', 'operation:delete'],
    ['severity=high', 'severity:high'],
    ['service=billing', 'service:billing'],
    ['session_id=s', 'session_id:s'],
    ['request_id=r', 'request_id:r'],
    ['trace_id=t', 'trace_id:t'],
    ['action=user.created', 'action:user.created'],
    ['action=user.*&action=role.made', 'action:role.made OR action:user.*'],
    ['action=*', 'action:*'],
    ['actor_id=u*', 'actor_id:"u*"'],
    ['actor_id=>1', 'actor_id:">1"'],
    ['resource=doc:a:b', 'resource:doc:a:b'],
    ['resource_type=doc', 'resource_type:doc'],
    ['resource_id=d%201', 'resource_id:"d 1"'],
    ['metadata.plan=pro&metadata.plan=free', 'metadata.plan:free OR metadata.plan:pro'],
    ['metadata.a.b-c_d=x%3Dy', 'metadata.a.b-c_d:"x=y"'],
    ['ip=203.0.113.7', 'ip:203.0.113.7'],
    ['ip=203.0.113.7/24', 'ip:203.0.113.0/24'],
    ['since=2026-11-23T10:00:00.123456%2B01:00', 'occurred_at:>=2026-11-23T09:00:00.123456Z'],
    ['until=2026-11-24T00:00:00Z', 'occurred_at:<2026-11-24T00:00:00.000000Z'],
    ['since=-7d', 'occurred_at:>=2026-11-16T00:00:00.000000Z'],
    ['until=9999-12-31T23:59:59Z', 'occurred_at:<2255-06-05T23:47:34.740990Z'],
    ['actor_id=a&metadata.x=1&metadata.y=2&severity=low', 'actor_id:a metadata.x:1 metadata.y:2 severity:low'],
    ['q=actor:a OR login', 'actor_id:a OR login'],
    ['q=actor:a OR login&outcome=failure', '(actor_id:a OR login) outcome:failure'],
    ['q=actor:a&actor_id=a', 'actor_id:a'],
  ])('%s', (query, text) => {
    const read = parseFilter(query);
    expect(read.errors).toEqual([]);
    expect(read.text).toBe(text);
  });

  test('every filter can be asked for in q by the same name', () => {
    expect(parseFilter('q=actor_id:a ip:10.0.0.0/8 since:-7d').text).toBe(
      parseFilter('actor_id=a&ip=10.0.0.0/8&since=-7d').text,
    );
  });
});

describe('status', () => {
  test.each([
    ['', false, ['accepted', 'conflict']],
    ['status=', false, ['accepted', 'conflict']],
    ['q=login', false, ['accepted', 'conflict']],
    ['status=duplicate', false, ['accepted', 'conflict', 'duplicate']],
    ['q=-status:accepted', false, ['accepted', 'conflict', 'duplicate']],
    ['status=quarantined&status=lost', true, [...visibleStatuses(true)].toSorted()],
  ])('%s is asked of the rows that are %#', (query, isOperator, statuses) => {
    const { scoped, errors } = parseFilter(query, { statuses: visibleStatuses(isOperator) });
    expect(errors).toEqual([]);
    const terms = scoped.search.kind === 'and' ? scoped.search.terms : [scoped.search];
    expect(terms).toContainEqual({ kind: 'is', field: 'status', values: statuses });
  });

  test.each(['quarantined', 'rerouted', 'lost'])(
    'a tenant’s key cannot ask for %s, and is not told that it exists',
    (status) => {
      const parameters = parametersOf(`status=${status}`);
      searchOfParameters(parameters, rules);
      expect(parameters.errors).toEqual([{ parameter: 'status', detail: 'is one of accepted, conflict, duplicate' }]);
    },
  );
});

test('the empty string is absent', () => {
  const { text, errors } = parseFilter('actor_id=&action=&ip=&since=&metadata.x=&resource=&severity=&q=');
  expect(errors).toEqual([]);
  expect(text).toBe('*');
});

describe('what is wrong', () => {
  test.each([
    ['an unknown name', 'actor=u_1', 'actor'],
    ['a name in another case', 'Actor_id=u_1', 'Actor_id'],
    ['a q that cannot be read', 'q=actr:x', 'q'],
    ['two qs', 'q=a&q=b', 'q'],
    ['a field that only q has', 'seq=7', 'seq'],
    ['an unknown category', 'category=nope', 'category'],
    ['an unknown severity among known ones', 'severity=low&severity=LOW', 'severity'],
    ['a star within an action', 'action=user.*.made', 'action'],
    ['an action with a quote', "action=user'", 'action'],
    ['a resource without a type', 'resource=d1', 'resource'],
    ['a resource without an id', 'resource=doc:', 'resource'],
    ['an ip of three parts', 'ip=10.0.1', 'ip'],
    ['an ip in octal', 'ip=010.0.0.1', 'ip'],
    ['a block that is too long', 'ip=10.0.0.0/33', 'ip'],
    ['a zone', 'ip=fe80::1%25eth0', 'ip'],
    ['a metadata key with a space', 'metadata.a%20b=1', 'metadata.a b'],
    ['a metadata filter without a key', 'metadata.=1', 'metadata.'],
    ['a time without an offset', 'since=2026-11-23T10:00:00', 'since'],
    ['a date', 'until=2026-11-23', 'until'],
    ['two sinces', 'since=2026-11-23T10:00:00Z&since=2026-11-23T11:00:00Z', 'since'],
    ['an empty range', 'since=2026-11-23T10:00:00Z&until=2026-11-23T10:00:00Z', 'until'],
    ['an unknown status', 'status=new', 'status'],
    ['a limit with a sign', 'limit=-1', 'limit'],
    ['too many values', Array.from({ length: 51 }, (_, index) => `actor_id=${index}`).join('&'), 'actor_id'],
    ['a value that is too long', `actor_id=${'x'.repeat(4_098)}`, 'actor_id'],
  ])('%s is named', (_, query, name) => {
    const parameters = parametersOf(query);
    parameters.integer(pageLimit);
    const errors = [
      ...parameters.errors.map((error) => ('parameter' in error ? error.parameter : '?')),
      ...parseFilter(query).errors,
    ];
    expect(errors).toContain(name);
  });

  test('a mistyped name is answered with the nearest', () => {
    expect(parametersOf('actr_id=u').errors).toEqual([
      { parameter: 'actr_id', detail: 'is not a parameter here; did you mean actor_id?' },
    ]);
  });

  test('what is wrong in q is named with its place', () => {
    const parameters = parametersOf('q=login actr:x');
    searchOfParameters(parameters, rules);
    const detail = 'unknown field `actr`; did you mean `actor`? (at 7)';
    expect(parameters.errors).toEqual([{ parameter: 'q', detail, position: 7, length: 4 }]);
  });

  test('a q is as long as the language allows, and its parser says so', () => {
    const parameters = parametersOf(`q=${'x'.repeat(4_097)}`);
    searchOfParameters(parameters, rules);
    expect(parameters.errors).toEqual([
      { parameter: 'q', detail: expect.stringContaining('at most 4096'), position: 4_097, length: 1 },
    ]);
  });

  test('all wrong parameters are named at once', () => {
    expect(parseFilter('ip=x&since=y&foo=z').errors).toEqual(['foo', 'ip', 'since']);
  });

  test('a long hostile name is cut before it is repeated', () => {
    const [error] = parametersOf(`${'a'.repeat(10_000)}=1`).errors;
    expect(JSON.stringify(error).length).toBeLessThan(200);
  });
});

describe('the longest range', () => {
  const limited = { rangeDaysMax: 7 };

  test.each([
    ['', ['since']],
    ['since=2026-11-16T00:00:00Z', []],
    ['since=2026-11-15T23:59:59Z', ['since']],
    ['since=2026-01-01T00:00:00Z&until=2026-01-08T00:00:00Z', []],
    ['since=2026-01-01T00:00:00Z&until=2026-01-08T00:00:00.000001Z', ['since']],
    ['since=-7d', []],
    ['since=-8d', ['since']],
    ['q=since:-7d', []],
    ['q=since:-7d OR login', ['since']],
    ['q=-since:-7d', ['since']],
    ['q=(since:-3d until:-2d) OR (since:-7d until:-6d)', []],
    ['q=since:-60d until:-54d', []],
    ['q=since:-60d&until=-52d', ['since']],
  ])('%s', (query, errors) => {
    expect(parseFilter(query, limited).errors).toEqual(errors);
    expect(parseFilter(query, rules).errors).toEqual([]);
  });
});
