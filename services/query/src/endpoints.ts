import type { Scope } from '@docket/directory';
import { defineEndpoint, jsonAnswer, pathParameter } from '@docket/runtime';
import {
  eventAnswerSchema,
  facetsAnswerSchema,
  feedAnswerSchema,
  histogramAnswerSchema,
  pageAnswer,
  viewerTokenAnswer,
  whoamiAnswer,
} from './answer-schemas.ts';
import {
  afterParameter,
  byParameter,
  cursorParameter,
  eventWait,
  facetLimit,
  feedLimit,
  feedSince,
  feedWait,
  fieldParameter,
  filters,
  intervalParameter,
  pageLimit,
  qParameter,
  quarantineCursor,
  quarantinedLogParameter,
  tenantParameter,
} from './parameters/endpoint-parameters.ts';
import { quarantineAnswer, redriveAnswer, redriveBody } from './quarantine/quarantine-answers.ts';
import { traceAnswerSchema } from './trace/trace-answer.ts';
import { newViewerTokenBody } from './tokens/viewer-grant-mapper.ts';

/** Viewer tokens have this scope too. */
const readers = ['events:read'] as const satisfies readonly Scope[];

/** What every read of a log can answer beside its own. */
export const readErrors = [
  'tenant_required',
  'tenant_not_allowed',
  'query_too_expensive',
  'rate_limited',
  'overloaded',
  'clickhouse_unavailable',
  'trail_unavailable',
  'schema_outdated',
] as const;

export const listEventsEndpoint = defineEndpoint({
  method: 'get',
  path: '/v1/events',
  name: 'listEvents',
  tag: 'events',
  access: readers,
  summary: 'Search a log, newest first',
  description: 'All filters hold, and of a repeated one any value. Without `status`: accepted and conflict.',
  parameters: [tenantParameter, ...filters, pageLimit, cursorParameter],
  answers: {
    200: jsonAnswer('A page.', pageAnswer, { Link: 'The next page, `rel="next"` (RFC 8288), where there is one.' }),
  },
  errors: [...readErrors, 'invalid_cursor'],
});

export const getHistogramEndpoint = defineEndpoint({
  method: 'get',
  path: '/v1/events/histogram',
  name: 'getHistogram',
  tag: 'events',
  access: readers,
  summary: 'Count events over time',
  parameters: [tenantParameter, ...filters, intervalParameter, byParameter],
  answers: { 200: jsonAnswer('The buckets.', histogramAnswerSchema) },
  errors: readErrors,
});

export const getFacetsEndpoint = defineEndpoint({
  method: 'get',
  path: '/v1/events/facets',
  name: 'getFacets',
  tag: 'events',
  access: readers,
  summary: 'Count events by the values of fields',
  parameters: [tenantParameter, ...filters, fieldParameter, facetLimit],
  answers: { 200: jsonAnswer('The most frequent values.', facetsAnswerSchema) },
  errors: readErrors,
});

export const getEventEndpoint = defineEndpoint({
  method: 'get',
  path: '/v1/events/:id',
  name: 'getEvent',
  tag: 'events',
  access: readers,
  summary: 'Get one event, waiting until it can be read',
  description: 'Of several rows with this id it is the accepted one of the lowest seq.',
  parameters: [pathParameter('id', 'Id of the event, a UUID.'), tenantParameter, eventWait],
  answers: { 200: jsonAnswer('The event.', eventAnswerSchema) },
  errors: [...readErrors, 'not_found'],
});

export const getEventTraceEndpoint = defineEndpoint({
  method: 'get',
  path: '/v1/events/:id/trace',
  name: 'getEventTrace',
  tag: 'events',
  access: readers,
  summary: 'See what became of an event',
  description: 'When it was stored and where it stands, and every attempt to deliver it, by subscription.',
  parameters: [pathParameter('id', 'Id of the event, a UUID.'), tenantParameter],
  answers: { 200: jsonAnswer('Its way.', traceAnswerSchema) },
  errors: [...readErrors, 'view_not_allowed', 'not_found'],
});

export const listQuarantineEndpoint = defineEndpoint({
  method: 'get',
  path: '/v1/quarantine',
  name: 'listQuarantine',
  tag: 'quarantine',
  access: readers,
  summary: 'List records that could not be read',
  description: 'For operators. Of one log, newest first by seq; of all logs, newest first by the time of arrival.',
  parameters: [quarantinedLogParameter, pageLimit, quarantineCursor],
  answers: {
    200: jsonAnswer('A page.', quarantineAnswer, {
      Link: 'The next page, `rel="next"` (RFC 8288), where there is one.',
    }),
  },
  errors: [...readErrors, 'view_not_allowed', 'invalid_cursor'],
});

export const redriveEndpoint = defineEndpoint({
  method: 'post',
  path: '/v1/quarantine/:seq/redrive',
  name: 'redriveRecord',
  tag: 'quarantine',
  access: ['events:read', 'events:write'],
  summary: 'Publish a quarantined record anew',
  description:
    'For operators. Without `event`, the record as it is, which has to be readable by now; with it, what the operator makes of it. It becomes a new record of the log of its tenant, with `metadata._redrive_of`; its id is the same each time, so that it is never doubled.',
  parameters: [pathParameter('seq', 'Of the record in its log.'), tenantParameter],
  body: redriveBody,
  answers: { 200: jsonAnswer('Kafka has the event, or the log had it already.', redriveAnswer) },
  errors: [...readErrors, 'view_not_allowed', 'not_found', 'invalid_body', 'invalid_event', 'kafka_unavailable'],
});

export const getFeedEndpoint = defineEndpoint({
  method: 'get',
  path: '/v1/feed',
  name: 'getFeed',
  tag: 'feed',
  access: readers,
  summary: 'Read a log in the order of seq',
  description: 'Every seq is accounted for, so that a reader can prove that nothing is missing.',
  parameters: [tenantParameter, afterParameter, feedSince, feedLimit, feedWait, qParameter],
  answers: { 200: jsonAnswer('What lies behind `after`.', feedAnswerSchema) },
  errors: [...readErrors, 'view_not_allowed', 'cursor_expired'],
});

export const createViewerTokenEndpoint = defineEndpoint({
  method: 'post',
  path: '/v1/viewer-tokens',
  name: 'createViewerToken',
  tag: 'credentials',
  access: readers,
  summary: "Make a token for a customer's browser",
  description:
    'It lives 15 minutes at most and not longer than the key. The view `admin` sees the whole log of the tenant, `user` what fits one of `any_of`.',
  body: newViewerTokenBody,
  answers: { 201: jsonAnswer('The token. It is shown this once.', viewerTokenAnswer) },
  errors: ['invalid_body', 'tenant_required', 'tenant_not_allowed', 'view_not_allowed'],
});

export const whoamiEndpoint = defineEndpoint({
  method: 'get',
  path: '/v1/whoami',
  name: 'whoami',
  tag: 'credentials',
  access: 'credential',
  summary: 'What this credential may do',
  answers: { 200: jsonAnswer('Its rights.', whoamiAnswer) },
});
