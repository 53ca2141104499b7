import { eventStatuses, publicAttemptSchema, type EventStatus } from '@docket/event';
import { closedObject } from '@docket/runtime';
import { Type, type Static } from '@sinclair/typebox';
import { kafkaPlace } from '../kafka-place.ts';

const time = (description: string) => Type.String({ 'x-format': 'date-time', description });
const stored = {
  seq: Type.Integer({ minimum: 1, description: 'Place in the log.' }),
  status: Type.Unsafe<EventStatus>({ type: 'string', enum: [...eventStatuses] }),
  received_at: time('When Kafka took it.'),
  source: Type.Optional(kafkaPlace),
};

export const traceAnswerSchema = closedObject({
  id: Type.String(),
  tenant_id: Type.String(),
  ...stored,
  occurrences: Type.Array(closedObject(stored), { description: 'The other rows of the same id, lowest seq first.' }),
  subscriptions: Type.Array(
    closedObject({
      subscription_id: Type.String(),
      is_delivered: Type.Boolean({ description: 'Its receiver has acknowledged a batch that accounts for the event.' }),
      attempts: Type.Array(publicAttemptSchema, {
        description: 'In the order of time; where there are too many, one that was delivered and the newest.',
      }),
    }),
    { description: 'Those that have tried; attempts are kept for 90 days.' },
  ),
  has_more_attempts: Type.Boolean({ description: 'There are attempts beyond these.' }),
});
export type TraceAnswer = Static<typeof traceAnswerSchema>;
