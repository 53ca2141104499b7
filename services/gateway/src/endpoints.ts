import type { Scope } from '@docket/directory';
import { eventSchema, type EventInput } from '@docket/event';
import { closedObject, defineEndpoint, jsonAnswer } from '@docket/runtime';
import { Type } from '@sinclair/typebox';

import { batchEventsMax, idempotencyKeyCharsMax } from './limits.ts';

const senders = ['events:write'] as const satisfies readonly Scope[];

const event = Type.Unsafe<EventInput>({ ...eventSchema, $id: 'Event' });
const batch = closedObject(
  { events: Type.Array(event, { minItems: 1, maxItems: batchEventsMax }) },
  { $id: 'EventBatch', description: 'Several events, published in this order for each tenant.' },
);

const result = closedObject(
  {
    id: Type.String({ description: 'Of the event: its own, or the one that it was given.' }),
    status: Type.Union([Type.Literal('published'), Type.Literal('quarantined')]),
    errors: Type.Optional(
      Type.Array(closedObject({ pointer: Type.String(), detail: Type.String() }), {
        description: 'Why it was set aside; pointers into the event.',
      }),
    ),
    warnings: Type.Optional(
      Type.Array(closedObject({ pointer: Type.String(), detail: Type.String() }), {
        description: 'Fields that no event has (lenient handling), and the metadata `_unknown.<path>` that keeps each.',
      }),
    ),
  },
  { $id: 'EventResult' },
);

/** draft-ietf-httpapi-ratelimit-headers */
const quotaHeaders = {
  RateLimit: 'What is left of each quota of events (`"key"`, `"tenant"`), and in how many seconds it is whole again.',
  'RateLimit-Policy': 'The quotas, in events, and their windows in seconds.',
};

export const publishEvents = defineEndpoint({
  method: 'post',
  path: '/v1/events',
  name: 'publishEvents',
  tag: 'events',
  access: senders,
  summary: 'Record one event, or up to 1000',
  description:
    'The answer comes when all in-sync replicas of Kafka have every event (acks=all). After any other answer, or none, the same request may be sent again, with the same ids or the same Idempotency-Key: an event that is there already, among the last 262,144 records of its partition, counts once. A 503 that names `ids` may have published some of the events: send all of them again with these ids. A problem without `ids` has published nothing.',
  parameters: [
    {
      in: 'header',
      name: 'Idempotency-Key',
      description:
        'Events without an id get one made of it, of the tenant and of their place in the request, so that a request sent again soon doubles nothing. All keys of a tenant share it, and it does not expire: with another body the event is a `conflict`, which is kept and shown beside the first.',
      schema: Type.String({ minLength: 1, maxLength: idempotencyKeyCharsMax }),
    },
    {
      in: 'header',
      name: 'Prefer',
      description:
        '`handling=lenient`: publish the good events, keep fields that no event has as metadata `_unknown.<path>`, and set the invalid events aside (RFC 7240).',
      schema: Type.String(),
    },
    {
      in: 'header',
      name: 'traceparent',
      description:
        'W3C Trace Context: goes, with tracestate, into the headers of the records; a single event without context.trace_id, sent without an id and Idempotency-Key, takes its trace id.',
      schema: Type.String(),
    },
  ],
  body: Type.Union([event, batch]),
  answers: {
    202: jsonAnswer(
      'What became of each event, in the order of the request.',
      closedObject({ results: Type.Array(result) }),
      { 'Preference-Applied': '`handling=lenient`, where it was asked for.', ...quotaHeaders },
    ),
  },
  problemHeaders: { 429: quotaHeaders },
  errors: [
    'tenant_required',
    'tenant_not_allowed',
    'invalid_event',
    'unknown_tenant',
    'event_too_large',
    'rate_limited',
    'overloaded',
    'kafka_unavailable',
    'topic_misconfigured',
  ],
});
