import { scopes } from '@docket/directory';
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
};
export const keyAnswer = closedObject(keyMembers, { $id: 'Key', description: 'A key, without its secret.' });
export const newKeyAnswer = closedObject(
  { ...keyMembers, key: Type.String({ description: 'What to send as the credential. It is shown this once.' }) },
  { $id: 'NewKey' },
);

const subscriptionMembers = {
  id: Type.String(),
  tenant_id: Type.String(),
  name,
  sink: closedObject({ type: Type.Literal('webhook'), url: Type.String() }),
  filter: Type.String({ description: 'Only events that it matches are delivered; empty: every event.' }),
  batch: closedObject({
    max_events: Type.Integer(),
    max_bytes: Type.Integer(),
    max_wait_ms: Type.Integer({ description: 'How long a batch waits for more events.' }),
  }),
  state: Type.Union([Type.Literal('active'), Type.Literal('paused')]),
  start_after_seq: Type.Integer({ description: 'The first event delivered is the first after this seq.' }),
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
    secret: Type.String({ description: 'Signs the deliveries (Standard Webhooks). It is shown this once.' }),
  },
  { $id: 'NewSubscription' },
);

export const pageAnswer = (item: TSchema) =>
  closedObject({
    data: Type.Array(item),
    next_cursor: Type.Union([Type.String(), Type.Null()], { description: 'Of the next page; null: this is the last.' }),
  });

export type PublicTenant = Static<typeof tenantAnswer>;
export type PublicKey = Static<typeof keyAnswer>;
export type PublicSubscription = Static<typeof subscriptionAnswer>;
