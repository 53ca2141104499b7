import type { Scope } from '@docket/directory';
import { defineEndpoint, jsonAnswer, pathParameter } from '@docket/runtime';

import { statusAnswer } from './answer-schemas.ts';

const subscribers = ['subscriptions:write', 'admin'] as const satisfies readonly Scope[];
const subscriptionId = pathParameter('id', 'Id of the subscription.');

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
  errors: ['not_found'],
});
