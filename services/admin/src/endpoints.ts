import type { Scope } from '@docket/directory';
import {
  defineEndpoint,
  headerParameter,
  integerParameter,
  jsonAnswer,
  pathParameter,
  queryParameter,
} from '@docket/runtime';
import type { TSchema } from '@sinclair/typebox';

import {
  dismissalAnswer,
  keyAnswer,
  newKeyAnswer,
  newSubscriptionAnswer,
  pageAnswer,
  parkedEventAnswer,
  replayAnswer,
  rotationAnswer,
  subscriptionAnswer,
  tenantAnswer,
} from './answer-schemas.ts';
import { limitRange } from './page-policy.ts';
import {
  newKeyBody,
  newSubscriptionBody,
  newTenantBody,
  rangeReplayBody,
  replayBody,
  resumeBody,
  rotateKeyBody,
  rotationBody,
  subscriptionPatchBody,
} from './request-schemas.ts';

const admin = ['admin'] as const satisfies readonly Scope[];
const subscribers = ['subscriptions:write', 'admin'] as const satisfies readonly Scope[];

const paging = [
  integerParameter('limit', 'Objects of one page.', limitRange),
  queryParameter('cursor', '`next_cursor` of the page before.'),
];
const page = (description: string, item: TSchema) => ({
  200: jsonAnswer(description, pageAnswer(item), {
    Link: 'The next page, `rel="next"` (RFC 8288), where there is one.',
  }),
});
const etag = { ETag: 'Of this state of it; a change with another one in If-Match is refused.' };
const created = (schema: TSchema) => ({
  201: jsonAnswer('It exists now, for every service within two seconds.', schema, { Location: 'Its path.', ...etag }),
});
const ifMatch = headerParameter(
  'If-Match',
  'Changes it only if it still has this ETag (RFC 9110 §13.1.1); absent: whatever it is.',
);
const changesErrors = [
  'rate_limited',
  'overloaded',
  'kafka_unavailable',
  'topic_misconfigured',
  'writer_fenced',
] as const;

export const createTenant = defineEndpoint({
  method: 'post',
  path: '/v1/tenants',
  name: 'createTenant',
  tag: 'tenants',
  access: admin,
  summary: 'Create a tenant',
  body: newTenantBody,
  answers: created(tenantAnswer),
  errors: ['invalid_body', 'tenant_not_allowed', 'conflict', 'limit_reached', ...changesErrors],
});

export const listTenants = defineEndpoint({
  method: 'get',
  path: '/v1/tenants',
  name: 'listTenants',
  tag: 'tenants',
  access: admin,
  summary: 'List the tenants that the key is good for',
  parameters: paging,
  answers: page('By id.', tenantAnswer),
  errors: ['invalid_cursor'],
});

export const getTenant = defineEndpoint({
  method: 'get',
  path: '/v1/tenants/:id',
  name: 'getTenant',
  tag: 'tenants',
  access: admin,
  summary: 'Get a tenant',
  parameters: [pathParameter('id', 'Id of the tenant.')],
  answers: { 200: jsonAnswer('The tenant.', tenantAnswer, etag) },
  errors: ['not_found'],
});

export const createKey = defineEndpoint({
  method: 'post',
  path: '/v1/keys',
  name: 'createKey',
  tag: 'keys',
  access: admin,
  summary: 'Create a key',
  description:
    'A key is good for no tenant that the one it was made with is not good for. Its scopes may be any: for its own tenants `admin` includes all others.',
  body: newKeyBody,
  answers: created(newKeyAnswer),
  errors: ['invalid_body', 'tenant_not_allowed', 'limit_reached', ...changesErrors],
});

export const listKeys = defineEndpoint({
  method: 'get',
  path: '/v1/keys',
  name: 'listKeys',
  tag: 'keys',
  access: admin,
  summary: 'List the keys within the reach of this one',
  parameters: paging,
  answers: page('By id.', keyAnswer),
  errors: ['invalid_cursor'],
});

export const getKey = defineEndpoint({
  method: 'get',
  path: '/v1/keys/:id',
  name: 'getKey',
  tag: 'keys',
  access: admin,
  summary: 'Get a key, without its secret',
  parameters: [pathParameter('id', 'Id of the key.')],
  answers: { 200: jsonAnswer('The key.', keyAnswer, etag) },
  errors: ['not_found'],
});

export const revokeKey = defineEndpoint({
  method: 'delete',
  path: '/v1/keys/:id',
  name: 'revokeKey',
  tag: 'keys',
  access: admin,
  summary: 'Revoke a key',
  parameters: [pathParameter('id', 'Id of the key.'), ifMatch],
  answers: { 204: { description: 'It is refused from now on, by every service within two seconds.' } },
  errors: ['not_found', 'precondition_failed', ...changesErrors],
});

export const rotateKey = defineEndpoint({
  method: 'post',
  path: '/v1/keys/:id/rotate',
  name: 'rotateKey',
  tag: 'keys',
  access: admin,
  summary: 'Give a key a new secret',
  description:
    'The key keeps its id, scopes and tenants. What it was until now is taken for `overlap_seconds` more, so that its holders can change over.',
  parameters: [pathParameter('id', 'Id of the key.'), ifMatch],
  body: rotateKeyBody,
  answers: { 200: jsonAnswer('The key with its new secret.', newKeyAnswer, etag) },
  errors: ['invalid_body', 'not_found', 'precondition_failed', 'conflict', 'limit_reached', ...changesErrors],
});

export const createSubscription = defineEndpoint({
  method: 'post',
  path: '/v1/subscriptions',
  name: 'createSubscription',
  tag: 'subscriptions',
  access: subscribers,
  summary: 'Have the events of a tenant delivered',
  description:
    'Without a `start` all of the history of the log is sent before what comes. With `"start": "now"` the first event is `docket.subscription.created`, which tells of this one, unless its filter leaves that out or another event was accepted at the same moment.',
  body: newSubscriptionBody,
  answers: created(newSubscriptionAnswer),
  errors: ['invalid_body', 'tenant_required', 'tenant_not_allowed', 'limit_reached', ...changesErrors],
});

export const listSubscriptions = defineEndpoint({
  method: 'get',
  path: '/v1/subscriptions',
  name: 'listSubscriptions',
  tag: 'subscriptions',
  access: subscribers,
  summary: 'List subscriptions',
  parameters: [queryParameter('tenant_id', 'Of this tenant only.'), ...paging],
  answers: page('By id.', subscriptionAnswer),
  errors: ['invalid_cursor', 'tenant_not_allowed'],
});

export const getSubscription = defineEndpoint({
  method: 'get',
  path: '/v1/subscriptions/:id',
  name: 'getSubscription',
  tag: 'subscriptions',
  access: subscribers,
  summary: 'Get a subscription, without its secret',
  parameters: [pathParameter('id', 'Id of the subscription.')],
  answers: { 200: jsonAnswer('The subscription.', subscriptionAnswer, etag) },
  errors: ['not_found'],
});

export const changeSubscription = defineEndpoint({
  method: 'patch',
  path: '/v1/subscriptions/:id',
  name: 'changeSubscription',
  tag: 'subscriptions',
  access: subscribers,
  summary: 'Change a subscription, pause or resume it',
  description: 'What the body names is changed, the rest stays.',
  parameters: [pathParameter('id', 'Id of the subscription.'), ifMatch],
  body: subscriptionPatchBody,
  answers: { 200: jsonAnswer('The subscription as it is now.', subscriptionAnswer, etag) },
  errors: ['invalid_body', 'not_found', 'precondition_failed', ...changesErrors],
});

export const removeSubscription = defineEndpoint({
  method: 'delete',
  path: '/v1/subscriptions/:id',
  name: 'removeSubscription',
  tag: 'subscriptions',
  access: subscribers,
  summary: 'End a subscription',
  parameters: [pathParameter('id', 'Id of the subscription.'), ifMatch],
  answers: { 204: { description: 'Nothing more is delivered.' } },
  errors: ['not_found', 'precondition_failed', ...changesErrors],
});

export const resumeSubscription = defineEndpoint({
  method: 'post',
  path: '/v1/subscriptions/:id/resume',
  name: 'resumeSubscription',
  tag: 'subscriptions',
  access: subscribers,
  summary: 'Let a paused or suspended subscription go on',
  description: 'What is left out is told to the receiver as skipped by its owner.',
  parameters: [pathParameter('id', 'Id of the subscription.'), ifMatch],
  body: resumeBody,
  answers: { 200: jsonAnswer('The subscription as it is now.', subscriptionAnswer, etag) },
  errors: ['invalid_body', 'not_found', 'precondition_failed', ...changesErrors],
});

export const rotateSecret = defineEndpoint({
  method: 'post',
  path: '/v1/subscriptions/:id/rotate-secret',
  name: 'rotateSecret',
  tag: 'subscriptions',
  access: subscribers,
  summary: 'Give a webhook a new secret',
  description:
    'During the overlap each request has a signature of every valid secret (Standard Webhooks), so the receiver can change over at any time of it.',
  parameters: [pathParameter('id', 'Id of the subscription.'), ifMatch],
  body: rotationBody,
  answers: { 200: jsonAnswer('The new secret.', rotationAnswer, etag) },
  errors: ['invalid_body', 'not_found', 'precondition_failed', 'limit_reached', ...changesErrors],
});

export const replayRange = defineEndpoint({
  method: 'post',
  path: '/v1/subscriptions/:id/replay',
  name: 'replayRange',
  tag: 'subscriptions',
  access: subscribers,
  summary: 'Send a range of the log once more',
  description:
    'Beside the live stream, in order, tagged `"replay": "range"`: by a subscription of its own with the same sink, format and mask, which ends with the range. Its status says how far it is; removing it ends it. `replay/dry-run` tells first how many events that are.',
  parameters: [pathParameter('id', 'Id of the subscription.'), ifMatch],
  body: rangeReplayBody,
  answers: created(subscriptionAnswer),
  errors: ['invalid_body', 'not_found', 'precondition_failed', 'limit_reached', ...changesErrors],
});

export const listParkedEvents = defineEndpoint({
  method: 'get',
  path: '/v1/subscriptions/:id/parked',
  name: 'listParkedEvents',
  tag: 'subscriptions',
  access: subscribers,
  summary: 'List the events that a receiver refuses',
  description:
    'The receiver takes those around them, so they were passed. They are kept until it takes them, or they are dismissed.',
  parameters: [pathParameter('id', 'Id of the subscription.'), ...paging],
  answers: page('By seq.', parkedEventAnswer),
  errors: ['invalid_cursor', 'not_found'],
});

export const replayParkedEvents = defineEndpoint({
  method: 'post',
  path: '/v1/subscriptions/:id/parked/replay',
  name: 'replayParkedEvents',
  tag: 'subscriptions',
  access: subscribers,
  summary: 'Send parked events again',
  description: 'Each comes by itself, tagged and outside the order. What the receiver takes leaves the list.',
  parameters: [pathParameter('id', 'Id of the subscription.')],
  body: replayBody,
  answers: { 202: jsonAnswer('They are being sent.', replayAnswer) },
  errors: ['invalid_body', 'not_found', 'kafka_unavailable', 'topic_misconfigured'],
});

export const dismissParkedEvents = defineEndpoint({
  method: 'delete',
  path: '/v1/subscriptions/:id/parked',
  name: 'dismissParkedEvents',
  tag: 'subscriptions',
  access: subscribers,
  summary: 'Do without parked events',
  description:
    'They leave the list without having been taken; in the log they stay. For what the receiver will never take: told as `docket.subscription.parked_dismissed`. One that is being sent again at this moment may still arrive.',
  parameters: [
    pathParameter('id', 'Id of the subscription.'),
    queryParameter('seqs', 'Which: `all`, or their seqs with commas between them. Required.'),
  ],
  answers: { 202: jsonAnswer('They are on their way off the list.', dismissalAnswer) },
  errors: ['invalid_body', 'not_found', ...changesErrors],
});
