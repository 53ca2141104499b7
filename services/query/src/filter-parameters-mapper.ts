import {
  categories,
  metadataKeyPattern,
  microsOfRfc3339,
  operations,
  outcomes,
  severities,
  type EventStatus,
} from '@docket/event';
import type { Condition, EventFilter, ExactColumn } from './event-filter.ts';
import { parseIpRange } from './ip-range-mapper.ts';
import type { RequestParameters } from './request-parameters-mapper.ts';

const exactParameters: Readonly<Record<string, { column: ExactColumn; values?: readonly string[] }>> = {
  actor_id: { column: 'actor_id' },
  actor_type: { column: 'actor_type' },
  on_behalf_of_id: { column: 'on_behalf_of_id' },
  category: { column: 'category', values: categories },
  outcome: { column: 'outcome', values: outcomes },
  operation: { column: 'operation', values: operations },
  severity: { column: 'severity', values: severities },
  service: { column: 'source_service' },
  session_id: { column: 'session_id' },
  request_id: { column: 'request_id' },
  trace_id: { column: 'trace_id' },
};

/** The parameters of a search, apart from metadata.KEY. */
export const filterParameters: readonly string[] = [
  ...Object.keys(exactParameters),
  'action',
  'resource',
  'resource_type',
  'resource_id',
  'ip',
  'since',
  'until',
  'status',
];

const metadataPrefix = 'metadata.';
const metadataKey = new RegExp(metadataKeyPattern);

export function isMetadataParameter(name: string): boolean {
  return name.startsWith(metadataPrefix);
}

/** What a search shows unless it asks for statuses. */
const statusesByDefault: readonly EventStatus[] = ['accepted', 'conflict'];
const statusesOfTenants: readonly EventStatus[] = ['accepted', 'conflict', 'duplicate'];
const statusesOfOperators: readonly EventStatus[] = [...statusesOfTenants, 'quarantined', 'rerouted', 'lost'];

/** The statuses whose rows a caller may see: what could not be read is the operators' affair (design §6). */
export function visibleStatuses(isOperator: boolean): readonly EventStatus[] {
  return isOperator ? statusesOfOperators : statusesOfTenants;
}

/** The range of times that ClickHouse's DateTime64(6) and a number both hold. */
const microsMax = Number.MAX_SAFE_INTEGER;
const dayMicros = 24 * 60 * 60 * 1_000_000;

export interface FilterRules {
  readonly isOperator: boolean;
  /** Longest since..until in days; 0: no limit. */
  readonly rangeDaysMax: number;
  /** µs since the epoch: where a range without `until` ends for the limit. */
  readonly nowMicros: number;
}

/** The filter that a request's parameters describe. What is wrong is noted in `parameters.errors`; the filter then means nothing. */
export function filterOfParameters(parameters: RequestParameters, rules: FilterRules): EventFilter {
  const since = timeOf(parameters, 'since');
  const until = timeOf(parameters, 'until');
  checkRange(parameters, { since, until }, rules);
  const conditions = [
    ...Object.entries(exactParameters).map(([name, { column, values }]) =>
      exactCondition(parameters, name, column, values),
    ),
    actionCondition(parameters),
    resourceCondition(parameters),
    listCondition(parameters, 'resource_type'),
    listCondition(parameters, 'resource_id'),
    ipCondition(parameters),
    ...parameters
      .names()
      .filter(isMetadataParameter)
      .map((name) => metadataCondition(parameters, name)),
  ];
  return {
    statuses: statusesOf(parameters, rules.isOperator),
    since,
    until,
    conditions: conditions.filter((condition) => condition !== null),
  };
}

function exactCondition(
  parameters: RequestParameters,
  name: string,
  column: ExactColumn,
  allowed: readonly string[] | undefined,
): Condition | null {
  const values = parameters.all(name);
  if (allowed !== undefined && !values.every((value) => allowed.includes(value))) {
    parameters.fail(name, `is one of ${allowed.join(', ')}`);
  }
  return values.length === 0 ? null : { kind: 'exact', column, values };
}

function listCondition(parameters: RequestParameters, kind: 'resource_type' | 'resource_id'): Condition | null {
  const values = parameters.all(kind);
  return values.length === 0 ? null : { kind, values };
}

function actionCondition(parameters: RequestParameters): Condition | null {
  const values = parameters.all('action');
  if (!values.every((value) => /^[A-Za-z0-9_.-]*\*?$/.test(value))) {
    parameters.fail('action', 'is a dotted name, or the beginning of one with * at its end');
  }
  if (values.length === 0) return null;
  const prefixes = values.filter((value) => value.endsWith('*')).map((value) => value.slice(0, -1));
  return { kind: 'action', names: values.filter((value) => !value.endsWith('*')), prefixes };
}

function resourceCondition(parameters: RequestParameters): Condition | null {
  const keys = parameters.all('resource');
  if (!keys.every((key) => /^[A-Za-z0-9_.-]{1,64}:./s.test(key))) {
    parameters.fail('resource', 'is written type:id');
  }
  return keys.length === 0 ? null : { kind: 'resource', keys };
}

function ipCondition(parameters: RequestParameters): Condition | null {
  const values = parameters.all('ip');
  const ranges = values.map(parseIpRange).filter((range) => range !== null);
  if (ranges.length < values.length)
    parameters.fail('ip', 'is an IPv4 or IPv6 address, or a block such as 203.0.113.0/24');
  return values.length === 0 ? null : { kind: 'ip', ranges };
}

function metadataCondition(parameters: RequestParameters, name: string): Condition | null {
  const key = name.slice(metadataPrefix.length);
  if (!metadataKey.test(key)) parameters.fail(name.slice(0, 80), 'has a key of 1 to 64 of [A-Za-z0-9_.-]');
  const values = parameters.all(name);
  return values.length === 0 ? null : { kind: 'metadata', items: values.map((value) => `${key}=${value}`) };
}

function statusesOf(parameters: RequestParameters, isOperator: boolean): readonly EventStatus[] {
  const asked = parameters.all('status');
  if (asked.length === 0) return statusesByDefault;
  const visible = visibleStatuses(isOperator);
  const statuses = visible.filter((status) => asked.includes(status));
  if (statuses.length < new Set(asked).size) parameters.fail('status', `is one of ${visible.join(', ')}`);
  return statuses;
}

function timeOf(parameters: RequestParameters, name: 'since' | 'until'): number | null {
  const text = parameters.one(name);
  if (text === undefined) return null;
  const micros = microsOfRfc3339(text);
  if (micros === null) parameters.fail(name, 'is an RFC 3339 time with an offset, such as 2026-11-23T09:00:00Z');
  return micros === null ? null : Math.min(micros, microsMax);
}

function checkRange(
  parameters: RequestParameters,
  { since, until }: { readonly since: number | null; readonly until: number | null },
  { rangeDaysMax, nowMicros }: FilterRules,
): void {
  if (since !== null && until !== null && until <= since) parameters.fail('until', 'is not after since');
  if (rangeDaysMax === 0) return;
  if (since === null) parameters.fail('since', `is required here: a search covers at most ${rangeDaysMax} days`);
  else if ((until ?? nowMicros) - since > rangeDaysMax * dayMicros) {
    parameters.fail('since', `is more than ${rangeDaysMax} days before ${until === null ? 'now' : 'until'}`);
  }
}
