import { publicAttemptSchema } from '@docket/event';
import { closedObject } from '@docket/runtime';
import { Type } from '@sinclair/typebox';
import type { Static } from '@sinclair/typebox';

const time = (description: string) => Type.String({ 'x-format': 'date-time', description });
const count = (description: string) => Type.Integer({ minimum: 0, description });

export const statusAnswer = closedObject(
  {
    id: Type.String(),
    tenant_id: Type.String(),
    name: Type.String(),
    state: Type.Union(
      ['active', 'paused', 'failing', 'suspended'].map((state) => Type.Literal(state)),
      {
        description:
          'paused: by its owner · failing: the last request was not taken, and it is tried again · suspended: it has failed for too long, or the receiver wants no more; a resume or a change lets it go on.',
      },
    ),
    seq: count('Everything up to this seq of the log was acknowledged by the receiver, or has no event for it.'),
    told_seq: count('`to_seq` of the last batch that was acknowledged: `prev_to_seq` of the next.'),
    last_success_at: Type.Optional(time('When the receiver last acknowledged anything. Absent: it never did.')),
    failing_since: Type.Optional(time('Of the outage that lasts.')),
    last_error: Type.Optional(Type.String({ description: 'Of the outage that lasts, such as status_503 or timeout.' })),
    moved_back: Type.Optional(
      closedObject(
        {
          from_seq: count('Where the cursor stood.'),
          to_seq: count('Behind which it went on.'),
          at: time('When this was found.'),
        },
        {
          description:
            'After an accepted loss the log has other seqs behind `to_seq` than were sent until then; it came again from there, with those that it has.',
        },
      ),
    ),
    parked: count('Events that the receiver refuses; `/parked` lists them.'),
    lag: Type.Union(
      [
        closedObject({
          events: count('Records of the log behind `seq`, whether or not the filter wants them.'),
          seconds: Type.Number({ minimum: 0, description: 'How long ago the first of them was received.' }),
          head_seq: count('The last seq of the log that is stored.'),
        }),
        Type.Null(),
      ],
      { description: 'As far as the log is stored. null: ClickHouse does not answer.' },
    ),
    last_failure: Type.Union([publicAttemptSchema, Type.Null()], {
      description: 'The last attempt that was not taken, also of an outage that is over. null: none in 90 days.',
    }),
    attempts: Type.Array(publicAttemptSchema, {
      description: 'The last twenty, newest first; written down within a few seconds. Empty while ClickHouse is away.',
    }),
  },
  { $id: 'SubscriptionStatus', description: 'How the delivery of a subscription fares.' },
);

export const testAnswer = closedObject(
  {
    outcome: Type.String({
      description:
        'delivered, or what the answer would mean for a batch: retry, split, reject_event, misconfigured, gone.',
    }),
    duration_ms: count('Of the request.'),
    http_status: Type.Optional(count('Absent: there was no answer.')),
    error: Type.Optional(Type.String({ description: 'Such as status_401, dns or address_not_allowed.' })),
    answer_excerpt: Type.Optional(Type.String({ description: 'How the answer of the receiver began.' })),
  },
  { $id: 'SubscriptionTest' },
);

export const dryRunAnswer = closedObject(
  {
    events: count('That a replay would send.'),
    first_seq: Type.Optional(count('`from_seq` of the replay. Absent without events.')),
    last_seq: Type.Optional(count('`to_seq` of the replay.')),
  },
  { $id: 'ReplayDryRun' },
);

const previewedRequest = closedObject({
  method: Type.Literal('POST'),
  url: Type.String(),
  headers: Type.Record(Type.String(), Type.String(), {
    description: 'Without what proves who sends: it says (secret) or (signature).',
  }),
  body: Type.String({ description: 'Byte for byte.' }),
  events: count('In this request.'),
});

export const previewAnswer = closedObject(
  {
    events_last_day: count('Events of the last 24 hours that the filter wants.'),
    requests: Type.Array(previewedRequest, {
      description: 'What would carry the last ten of the events that it wants, of the last thousand records.',
    }),
  },
  { $id: 'SubscriptionPreview' },
);

export type PreviewedRequest = Static<typeof previewedRequest>;
export type SubscriptionStatus = Static<typeof statusAnswer>;
