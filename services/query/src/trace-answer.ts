import { eventStatuses, type EventStatus } from '@docket/event';
import { closedObject } from '@docket/runtime';
import { Type, type Static } from '@sinclair/typebox';
import { kafkaPlace } from './kafka-place.ts';

const time = (description: string) => Type.String({ 'x-format': 'date-time', description });
const count = (description: string) => Type.Integer({ minimum: 0, description });
const stored = {
  seq: Type.Integer({ minimum: 1, description: 'Place in the log.' }),
  status: Type.Unsafe<EventStatus>({ type: 'string', enum: [...eventStatuses] }),
  received_at: time('When Kafka took it.'),
  source: Type.Optional(kafkaPlace),
};

const attempt = closedObject({
  at: time('When the request began.'),
  duration_ms: count('Until its end.'),
  outcome: Type.String({ description: 'delivered, retry, split, reject_event, misconfigured, gone or unknown.' }),
  try: count('Which try of the batch it was, from 1.'),
  from_seq: count('The batch accounts for the seqs from here …'),
  to_seq: count('… to here.'),
  events: count('Events that it carried; an event that a subscription does not want is accounted for and not carried.'),
  http_status: Type.Optional(count('Absent: there was no answer.')),
  error: Type.Optional(Type.String()),
  answer_excerpt: Type.Optional(Type.String({ description: 'How the answer of the receiver began.' })),
});

export const traceAnswerSchema = closedObject({
  id: Type.String(),
  tenant_id: Type.String(),
  ...stored,
  occurrences: Type.Array(closedObject(stored), { description: 'The other rows of the same id, lowest seq first.' }),
  subscriptions: Type.Array(
    closedObject({
      subscription_id: Type.String(),
      is_delivered: Type.Boolean({ description: 'Its receiver has acknowledged a batch that accounts for the event.' }),
      attempts: Type.Array(attempt, { description: 'In the order of time.' }),
    }),
    { description: 'Those that have tried; attempts are kept for 90 days.' },
  ),
  has_more_attempts: Type.Boolean({ description: 'There are attempts beyond these.' }),
});
export type TraceAnswer = Static<typeof traceAnswerSchema>;
