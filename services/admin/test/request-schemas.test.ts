import { describe, expect, test } from '@jest/globals';
import { DocketError, parseBody } from '@docket/runtime';
import type { ErrorItem } from '@docket/runtime';
import type { TSchema } from '@sinclair/typebox';

import { newKeyBody, newSubscriptionBody, newTenantBody, subscriptionPatchBody } from '../src/request-schemas.ts';

function errorsOf(schema: TSchema, body: unknown): readonly ErrorItem[] {
  try {
    parseBody(schema, body);
  } catch (error) {
    if (error instanceof DocketError && error.code === 'invalid_body') return error.errors ?? [];
    throw error;
  }
  return [];
}

const sink = { type: 'webhook', url: 'https://h/' };
const splunk = { type: 'splunk_hec', url: 'https://h/', token: 't'.repeat(1_024) };
const datadog = { type: 'datadog', url: 'https://h/', token: 't' };
const elastic = { type: 'elastic_bulk', url: 'https://h/', token: 'u:p', index: 'audit-x.y_1', auth: 'basic' };
const key = { name: 'k', scopes: ['admin'], tenants: '*' };

describe('request bodies', () => {
  test.each<[string, TSchema, unknown]>([
    ['a tenant', newTenantBody, { id: 'acme' }],
    ['a key for all', newKeyBody, key],
    ['a key for some', newKeyBody, { ...key, tenants: ['a', 'b'], expires_at: '2030-01-01T00:00:00Z' }],
    ['a subscription', newSubscriptionBody, { sink }],
    [
      'a subscription from a seq',
      newSubscriptionBody,
      { sink, start: { after_seq: 0 }, batch: { max_events: 1 }, state: 'paused' },
    ],
    ['a subscription from the beginning', newSubscriptionBody, { sink, start: 'beginning' }],
    ['a window', newSubscriptionBody, { sink, mode: { type: 'window', batches: 8 } }],
    ['a patch back to order', subscriptionPatchBody, { mode: { type: 'ordered' } }],
    ['a patch', subscriptionPatchBody, { state: 'paused' }],
  ])('%s is taken', (_name, schema, body) => {
    expect(parseBody(schema, body)).toBe(body);
  });

  test.each<[string, TSchema, unknown, string, string]>([
    ['no object', newTenantBody, [], '', 'expected object'],
    ['null', newTenantBody, null, '', 'expected object'],
    ['nothing', newTenantBody, {}, '/id', 'is required'],
    ['a number as id', newTenantBody, { id: 7 }, '/id', 'expected string'],
    ['a tenant id with a space', newTenantBody, { id: 'a b' }, '/id', 'must match'],
    ['a tenant id with a trailing newline', newTenantBody, { id: 'a\n' }, '/id', 'must match'],
    ['a mistyped field', newTenantBody, { id: 'a', nmae: 'x' }, '/nmae', 'did you mean name?'],
    ['__proto__', newTenantBody, JSON.parse('{"id":"a","__proto__":{}}'), '/__proto__', 'is not a known field'],
    ['a window of one', newSubscriptionBody, { sink, mode: { type: 'window', batches: 1 } }, '/mode/batches', '2'],
    ['too wide a window', newSubscriptionBody, { sink, mode: { type: 'window', batches: 9 } }, '/mode/batches', '8'],
    ['an unknown mode', newSubscriptionBody, { sink, mode: { type: 'any' } }, '/mode/type', '"ordered", "window"'],
    ['an unknown scope', newKeyBody, { ...key, scopes: ['root'] }, '/scopes/0', '"events:write", "events:read"'],
    ['no scope', newKeyBody, { ...key, scopes: [] }, '/scopes', 'expected array length'],
    ['a scope twice', newKeyBody, { ...key, scopes: ['admin', 'admin'] }, '/scopes', 'unique'],
    ['no tenants', newKeyBody, { ...key, tenants: [] }, '/tenants', 'is none of "*", array'],
    ['a star among tenants', newKeyBody, { ...key, tenants: ['*'] }, '/tenants', 'is none of'],
    [
      'an unknown sink',
      newSubscriptionBody,
      { sink: { ...sink, type: 'splunk' } },
      '/sink/type',
      '"splunk_hec", "datadog"',
    ],
    ['a sink without a type', newSubscriptionBody, { sink: { url: sink.url } }, '/sink/type', 'is required'],
    ['no sink', newSubscriptionBody, {}, '/sink', 'is required'],
    ['a sink of text', newSubscriptionBody, { sink: 'webhook' }, '/sink', 'is none of object'],
    ['a secret for Splunk', newSubscriptionBody, { sink: { ...splunk, secret: 'x' } }, '/sink/secret', 'not a known'],
    [
      'Splunk without a token',
      newSubscriptionBody,
      { sink: { type: 'splunk_hec', url: 'https://h/' } },
      '/sink/token',
      'is required',
    ],
    [
      'a token with a newline',
      newSubscriptionBody,
      { sink: { ...splunk, token: 'a\nb' } },
      '/sink/token',
      'must match',
    ],
    [
      'a token that is too long',
      newSubscriptionBody,
      { sink: { ...splunk, token: 'a'.repeat(1_025) } },
      '/sink/token',
      'match',
    ],
    [
      'a mistyped setting of a sink',
      newSubscriptionBody,
      { sink: { ...splunk, indx: 'x' } },
      '/sink/indx',
      'mean index?',
    ],
    ['a tag with a comma', newSubscriptionBody, { sink: { ...datadog, tags: ['a,b'] } }, '/sink/tags/0', 'must match'],
    ['an index in capitals', newSubscriptionBody, { sink: { ...elastic, index: 'A' } }, '/sink/index', 'must match'],
    [
      'an unknown auth',
      newSubscriptionBody,
      { sink: { ...elastic, auth: 'none' } },
      '/sink/auth',
      '"api_key", "basic"',
    ],
    ['an unknown format', newSubscriptionBody, { sink, format: 'cef' }, '/format', '"native", "ocsf"'],
    ['a patch of the format', subscriptionPatchBody, { format: 'ocsf' }, '/format', 'is not a known field'],
    ['an empty patch of a sink', subscriptionPatchBody, { sink: {} }, '/sink', 'at least 1'],
    [
      'a mistyped nested field',
      newSubscriptionBody,
      { sink, batch: { max_event: 1 } },
      '/batch/max_event',
      'did you mean max_events?',
    ],
    [
      'a batch of none',
      newSubscriptionBody,
      { sink, batch: { max_events: 0 } },
      '/batch/max_events',
      'greater or equal to 1',
    ],
    [
      'a batch of too many',
      newSubscriptionBody,
      { sink, batch: { max_events: 1001 } },
      '/batch/max_events',
      'less or equal to 1000',
    ],
    [
      'half an event',
      newSubscriptionBody,
      { sink, batch: { max_events: 1.5 } },
      '/batch/max_events',
      'expected integer',
    ],
    [
      'a negative seq',
      newSubscriptionBody,
      { sink, start: { after_seq: -1 } },
      '/start',
      'is none of "beginning", "now", object',
    ],
    ['an unknown start', newSubscriptionBody, { sink, start: 'from_now' }, '/start', 'is none of'],
    ['an empty patch', subscriptionPatchBody, {}, '', 'at least 1 properties'],
    ['a patch of the tenant', subscriptionPatchBody, { tenant_id: 'b' }, '/tenant_id', 'is not a known field'],
  ])('%s is refused by name', (_name, schema, body, pointer, detail) => {
    expect(errorsOf(schema, body)).toEqual(
      expect.arrayContaining([{ pointer, detail: expect.stringContaining(detail) }]),
    );
  });

  test('each wrong field is named once, at most 20 of them', () => {
    expect(errorsOf(newKeyBody, {}).map((error) => 'pointer' in error && error.pointer)).toEqual([
      '/name',
      '/scopes',
      '/tenants',
    ]);
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`x${n}`, 1]));
    expect(errorsOf(newTenantBody, { id: 'a', ...many })).toHaveLength(20);
  });
});
