import { Type, type Static } from '@sinclair/typebox';
import type { DeliveryAttempt } from './delivery-attempt.ts';
import { rfc3339OfMillis } from './occurred-at.ts';

/** One request to a receiver, as the table delivery_attempts gives it to those who show it. */
export type AttemptRow = Omit<DeliveryAttempt, 'attempt_id' | 'tenant_id' | 'body_bytes' | 'started_at' | 'outcome'> & {
  readonly started_at_ms: number;
  readonly outcome: string;
};

const count = (description: string) => Type.Integer({ minimum: 0, description });

/** An attempt as answers show it. */
export const publicAttemptSchema = Type.Object(
  {
    at: Type.String({ 'x-format': 'date-time', description: 'When the request began.' }),
    duration_ms: count('Until its end.'),
    outcome: Type.String({
      description: 'delivered, retry, split, reject_event, misconfigured, gone or unknown.',
    }),
    try: count('Which try of the batch it was, from 1.'),
    from_seq: count('The batch accounts for the seqs from here …'),
    to_seq: count('… to here.'),
    events: count(
      'Events that it carried; an event that a subscription does not want is accounted for and not carried.',
    ),
    http_status: Type.Optional(count('Absent: there was no answer.')),
    error: Type.Optional(Type.String()),
    answer_excerpt: Type.Optional(Type.String({ description: 'How the answer of the receiver began.' })),
  },
  { additionalProperties: false },
);
export type PublicAttempt = Static<typeof publicAttemptSchema>;

export function toPublicAttempt(attempt: AttemptRow): PublicAttempt {
  const { http_status: httpStatus, error, answer_excerpt: excerpt } = attempt;
  return {
    at: rfc3339OfMillis(attempt.started_at_ms),
    duration_ms: attempt.duration_ms,
    outcome: attempt.outcome,
    try: attempt.try,
    from_seq: attempt.from_seq,
    to_seq: attempt.to_seq,
    events: attempt.event_count,
    ...(httpStatus === 0 ? {} : { http_status: httpStatus }),
    ...(error === '' ? {} : { error }),
    ...(excerpt === '' ? {} : { answer_excerpt: excerpt }),
  };
}
