import type { Scope } from '@docket/directory';
import { defineEndpoint, jsonAnswer, pathParameter, queryParameter } from '@docket/runtime';

import { dryRunAnswer, previewAnswer, statusAnswer, testAnswer } from './answer-schemas.ts';

const subscribers = ['subscriptions:write', 'admin'] as const satisfies readonly Scope[];
const subscriptionId = pathParameter('id', 'Id of the subscription.');
/** Of what reads the log, and tells in it that it was read. */
const logErrors = [
  'not_found',
  'rate_limited',
  'overloaded',
  'clickhouse_unavailable',
  'kafka_unavailable',
  'registry_unavailable',
  'schema_not_registered',
] as const;

export const getSubscriptionStatus = defineEndpoint({
  method: 'get',
  path: '/v1/subscriptions/:id/status',
  name: 'getSubscriptionStatus',
  tag: 'subscriptions',
  access: subscribers,
  summary: 'Get how the delivery of a subscription fares',
  description: 'Its state, where it is, how far behind, and what the receiver said last.',
  parameters: [subscriptionId],
  answers: { 200: jsonAnswer('As of now.', statusAnswer) },
  errors: ['not_found', 'rate_limited', 'overloaded'],
});

export const testSubscription = defineEndpoint({
  method: 'post',
  path: '/v1/subscriptions/:id/test',
  name: 'testSubscription',
  tag: 'subscriptions',
  access: subscribers,
  summary: 'Send a test event to the receiver of a subscription',
  description:
    'At once, also while it is paused or fails; nothing else comes of it. The event is in no log: its seq is 0, and it is tagged `"replay": "test"`.',
  parameters: [subscriptionId],
  answers: { 200: jsonAnswer('What the receiver answered.', testAnswer) },
  errors: ['not_found', 'rate_limited', 'overloaded'],
});

export const previewSubscription = defineEndpoint({
  method: 'get',
  path: '/v1/subscriptions/:id/preview',
  name: 'previewSubscription',
  tag: 'subscriptions',
  access: subscribers,
  summary: 'See what a subscription sends',
  description:
    'The requests that would carry the newest events as they are stored; nothing is sent. That the log was looked at is told in it: `docket.log.previewed`.',
  parameters: [subscriptionId],
  answers: { 200: jsonAnswer('The requests, oldest event first.', previewAnswer) },
  errors: logErrors,
});

export const dryRunReplay = defineEndpoint({
  method: 'get',
  path: '/v1/subscriptions/:id/replay/dry-run',
  name: 'dryRunReplay',
  tag: 'subscriptions',
  access: subscribers,
  summary: 'Count what a replay would send',
  description: 'As far as the log is stored. Nothing is sent. The count is told in the log: `docket.log.counted`.',
  parameters: [
    subscriptionId,
    queryParameter('since', 'Received at this time or later, RFC 3339. Default: the beginning.'),
    queryParameter('until', 'Received before this time, RFC 3339. Default: now.'),
    queryParameter('filter', "In the search language. Default: the subscription's."),
  ],
  answers: { 200: jsonAnswer('How many events, and between which seqs.', dryRunAnswer) },
  errors: logErrors,
});
