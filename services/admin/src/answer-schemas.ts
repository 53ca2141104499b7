import { elasticAuths, eventFormats, maskActions, scopes, webhookLayouts } from '@docket/directory';
import { closedObject } from '@docket/runtime';
import { Type } from '@sinclair/typebox';
import type { Static, TSchema } from '@sinclair/typebox';

const time = Type.String({ 'x-format': 'date-time', description: 'RFC 3339, UTC.' });
const name = Type.String({ description: 'For people; without one, the id.' });

export const tenantAnswer = closedObject({ id: Type.String(), name, created_at: time }, { $id: 'Tenant' });

const keyMembers = {
  id: Type.String({ description: 'The public part of the key: `dk_<id>_<secret>`.' }),
  name: Type.String({ description: 'For people.' }),
  scopes: Type.Array(Type.Union(scopes.map((scope) => Type.Literal(scope)))),
  tenants: Type.Union([Type.Literal('*'), Type.Array(Type.String())], { description: '`*`: every tenant.' }),
  created_at: time,
  expires_at: Type.Optional(time),
  revoked_at: Type.Optional(time),
  rotated_at: Type.Optional(time),
  old_secrets_until: Type.Optional(
    Type.String({ 'x-format': 'date-time', description: 'Until then a secret from before the rotation is taken too.' }),
  ),
  last_used_at: Type.Optional(
    Type.String({
      'x-format': 'date-time',
      description: 'When it was last taken, within a minute or so; absent: never, as far as is known.',
    }),
  ),
};
export const keyAnswer = closedObject(keyMembers, { $id: 'Key', description: 'A key, without its secret.' });
export const newKeyAnswer = closedObject(
  { ...keyMembers, key: Type.String({ description: 'What to send as the credential. It is shown this once.' }) },
  { $id: 'NewKey' },
);

const text = Type.Optional(Type.String());
const sinkAnswer = Type.Union([
  closedObject({
    type: Type.Literal('webhook'),
    url: Type.String(),
    layout: Type.Optional(
      Type.Union(
        webhookLayouts.map((layout) => Type.Literal(layout)),
        { description: 'Absent: batch.' },
      ),
    ),
    headers: Type.Optional(
      Type.Array(Type.String(), {
        description: 'Names of the headers that its requests have beside ours; absent: none.',
      }),
    ),
  }),
  closedObject({
    type: Type.Literal('splunk_hec'),
    url: Type.String(),
    index: text,
    source: text,
    sourcetype: text,
    host: text,
  }),
  closedObject({
    type: Type.Literal('datadog'),
    url: Type.String(),
    service: text,
    tags: Type.Optional(Type.Array(Type.String())),
  }),
  closedObject({
    type: Type.Literal('elastic_bulk'),
    url: Type.String(),
    index: Type.String(),
    auth: Type.Union(elasticAuths.map((auth) => Type.Literal(auth))),
  }),
]);

const subscriptionMembers = {
  id: Type.String(),
  tenant_id: Type.String(),
  name,
  sink: sinkAnswer,
  format: Type.Optional(
    Type.Union(
      eventFormats.map((format) => Type.Literal(format)),
      { description: 'Absent: native.' },
    ),
  ),
  filter: Type.String({ description: 'Only events that it matches are delivered; empty: every event.' }),
  mask: Type.Optional(
    Type.Array(
      closedObject({
        field: Type.String(),
        action: Type.Union(maskActions.map((action) => Type.Literal(action))),
      }),
      { description: 'What the receiver does not get of an event. Absent: it gets all.' },
    ),
  ),
  batch: closedObject({
    max_events: Type.Integer(),
    max_bytes: Type.Integer(),
    max_wait_ms: Type.Integer({ description: 'How long a batch waits for more events.' }),
  }),
  mode: Type.Union(
    [
      closedObject({ type: Type.Literal('ordered') }),
      closedObject({ type: Type.Literal('window'), batches: Type.Integer() }),
    ],
    { description: 'One batch after the other, or several under way at once.' },
  ),
  state: Type.Union([Type.Literal('active'), Type.Literal('paused')]),
  start_after_seq: Type.Integer({
    description:
      'The first event delivered is the first after this seq; of one that was started from now or from a time, the first behind what is counted as operator_skipped.',
  }),
  replay: Type.Optional(
    closedObject(
      {
        of: Type.String({ description: 'Id of the subscription.' }),
        to_seq: Type.Integer(),
        done: Type.Boolean({ description: 'All of the range was sent, and nothing of it is parked.' }),
      },
      { description: 'It sends a range of the log once more, and ends at `to_seq`.' },
    ),
  ),
  created_at: time,
  updated_at: time,
};
export const subscriptionAnswer = closedObject(subscriptionMembers, {
  $id: 'Subscription',
  description: 'A subscription, without its secret.',
});
export const newSubscriptionAnswer = closedObject(
  {
    ...subscriptionMembers,
    secret: Type.Optional(
      Type.String({ description: 'Of a webhook: signs the deliveries (Standard Webhooks). It is shown this once.' }),
    ),
  },
  { $id: 'NewSubscription' },
);

export const rotationAnswer = closedObject(
  {
    secret: Type.String({ description: 'Signs from now on, within two seconds. It is shown this once.' }),
    previous_valid_until: Type.Optional(
      Type.String({
        'x-format': 'date-time',
        description: 'The secret before it signs as well until then. Absent: it signs no more.',
      }),
    ),
  },
  { $id: 'SecretRotation' },
);

export const parkedEventAnswer = closedObject(
  {
    seq: Type.Integer({ description: 'Of the event in the log of the tenant.' }),
    error: Type.String({ description: 'Why the receiver refuses it, such as status_400.' }),
    answer_excerpt: Type.String({ description: "The beginning of the receiver's last answer." }),
    parked_at: time,
    state: Type.Union([Type.Literal('parked'), Type.Literal('replaying')], {
      description: 'replaying: it is being sent again.',
    }),
  },
  { $id: 'ParkedEvent', description: 'An event that the receiver refuses while it takes those around it.' },
);
export const dismissalAnswer = closedObject({ dismissed: Type.Integer() });
export const replayAnswer = closedObject({
  requested: Type.Integer({ description: 'Parked events that are sent again now.' }),
});

export const pageAnswer = (item: TSchema) =>
  closedObject({
    data: Type.Array(item),
    next_cursor: Type.Union([Type.String(), Type.Null()], { description: 'Of the next page; null: this is the last.' }),
  });

export type PublicTenant = Static<typeof tenantAnswer>;
export type PublicKey = Static<typeof keyAnswer>;
export type PublicSink = Static<typeof sinkAnswer>;
export type PublicParkedEvent = Static<typeof parkedEventAnswer>;
export type PublicSubscription = Static<typeof subscriptionAnswer>;
