import { describe, expect, test } from '@jest/globals';
import type { Condition } from '../src/event-filter.ts';
import { filterOfParameters } from '../src/filter-parameters-mapper.ts';
import { parametersOf, parseFilter, rules } from './parameters.ts';

const micros = (text: string): number => Date.parse(text) * 1_000;

describe('each filter', () => {
  test.each<[string, Condition]>([
    ['actor_id=u_1', { kind: 'exact', column: 'actor_id', values: ['u_1'] }],
    ['actor_type=user&actor_type=api_key', { kind: 'exact', column: 'actor_type', values: ['user', 'api_key'] }],
    ['on_behalf_of_id=u_9', { kind: 'exact', column: 'on_behalf_of_id', values: ['u_9'] }],
    ['category=access', { kind: 'exact', column: 'category', values: ['access'] }],
    ['outcome=denied', { kind: 'exact', column: 'outcome', values: ['denied'] }],
    ['operation=delete', { kind: 'exact', column: 'operation', values: ['delete'] }],
    ['severity=high', { kind: 'exact', column: 'severity', values: ['high'] }],
    ['service=billing', { kind: 'exact', column: 'source_service', values: ['billing'] }],
    ['session_id=s', { kind: 'exact', column: 'session_id', values: ['s'] }],
    ['request_id=r', { kind: 'exact', column: 'request_id', values: ['r'] }],
    ['trace_id=t', { kind: 'exact', column: 'trace_id', values: ['t'] }],
    ['action=user.created', { kind: 'action', names: ['user.created'], prefixes: [] }],
    ['action=user.*&action=role.made', { kind: 'action', names: ['role.made'], prefixes: ['user.'] }],
    ['action=*', { kind: 'action', names: [], prefixes: [''] }],
    ['resource=doc:a:b', { kind: 'resource', keys: ['doc:a:b'] }],
    ['resource_type=doc', { kind: 'resource_type', values: ['doc'] }],
    ['resource_id=d%201', { kind: 'resource_id', values: ['d 1'] }],
    ['metadata.plan=pro&metadata.plan=free', { kind: 'metadata', items: ['plan=pro', 'plan=free'] }],
    ['metadata.a.b-c_d=x%3Dy', { kind: 'metadata', items: ['a.b-c_d=x=y'] }],
    ['ip=203.0.113.7', { kind: 'ip', ranges: [{ from: '::ffff:cb00:7107', to: '::ffff:cb00:7107' }] }],
  ])('%s', (query, condition) => {
    const { filter, errors } = parseFilter(query);
    expect(errors).toEqual([]);
    expect(filter.conditions).toEqual([condition]);
  });

  test('since and until are microseconds, whatever the offset', () => {
    const { filter } = parseFilter('since=2026-11-23T10:00:00.123456%2B01:00&until=2026-11-24T00:00:00Z');
    expect([filter.since, filter.until]).toEqual([
      micros('2026-11-23T09:00:00.123Z') + 456,
      micros('2026-11-24T00:00:00Z'),
    ]);
  });

  test('a time that no row can have is cut to one that ClickHouse can hold', () => {
    expect(parseFilter('until=9999-12-31T23:59:59Z').filter.until).toBe(Number.MAX_SAFE_INTEGER);
  });

  test('several filters are all conditions of one search, several metadata keys too', () => {
    const { filter } = parseFilter('actor_id=a&metadata.x=1&metadata.y=2&severity=low');
    expect(filter.conditions).toHaveLength(4);
  });
});

describe('status', () => {
  test.each([
    ['', false, ['accepted', 'conflict']],
    ['status=', false, ['accepted', 'conflict']],
    ['status=duplicate', false, ['duplicate']],
    ['status=duplicate&status=accepted&status=accepted', false, ['accepted', 'duplicate']],
    ['status=quarantined&status=lost', true, ['quarantined', 'lost']],
  ])('%s', (query, isOperator, statuses) => {
    const { filter, errors } = parseFilter(query, { isOperator });
    expect(errors).toEqual([]);
    expect(filter.statuses).toEqual(statuses);
  });

  test.each(['quarantined', 'rerouted', 'lost'])(
    'a tenant’s key cannot ask for %s, and is not told that it exists',
    (status) => {
      const parameters = parametersOf(`status=${status}`);
      filterOfParameters(parameters, rules);
      expect(parameters.errors).toEqual([{ parameter: 'status', detail: 'is one of accepted, conflict, duplicate' }]);
    },
  );
});

test('the empty string is absent', () => {
  const { filter, errors } = parseFilter('actor_id=&action=&ip=&since=&metadata.x=&resource=&severity=');
  expect(errors).toEqual([]);
  expect(filter).toEqual({ statuses: ['accepted', 'conflict'], since: null, until: null, conditions: [] });
});

describe('what is wrong', () => {
  test.each([
    ['an unknown name', 'actor=u_1', 'actor'],
    ['a name in another case', 'Actor_id=u_1', 'Actor_id'],
    ['q, which is not there yet', 'q=free', 'q'],
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
    ['a value that is too long', `actor_id=${'x'.repeat(2_049)}`, 'actor_id'],
  ])('%s is named', (_, query, name) => {
    const parameters = parametersOf(query);
    parameters.integer('limit', { min: 1, max: 1_000, default: 100 });
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

  test('all wrong parameters are named at once', () => {
    expect(parseFilter('ip=x&since=y&foo=z').errors).toEqual(['foo', 'since', 'ip']);
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
  ])('%s', (query, errors) => {
    expect(parseFilter(query, limited).errors).toEqual(errors);
    expect(parseFilter(query, rules).errors).toEqual([]);
  });
});
