import { eventStatuses, publicEventMembers, publicEventSchema, type PublicEvent } from '@docket/event';
import { closedObject } from '@docket/runtime';
import { Type, type Static } from '@sinclair/typebox';
import { ownEntry, tokenView, typedId } from './tokens/viewer-grant-mapper.ts';

const views = ['operator', 'tenant', 'admin', 'user'] as const;

const time = (description: string) => Type.String({ 'x-format': 'date-time', description });
const count = (description: string) => Type.Integer({ minimum: 0, description });

const { seq, ...unnumberedMembers } = publicEventMembers;
const shownMembers = {
  ...unnumberedMembers,
  seq: Type.Optional({ ...seq, description: `${seq.description} The view user has none.` }),
};
/** An event within any view: `seq` counts what others do as well, so the view `user` has none. */
const shownEvent = Type.Unsafe<ShownEvent>(
  closedObject(shownMembers, { $id: 'ShownEvent', description: 'An event, as the view of the credential shows it.' }),
);
export type ShownEvent = Omit<PublicEvent, 'seq'> & { seq?: number };

export const pageAnswer = closedObject({
  data: Type.Array(shownEvent, { description: 'Newest first.' }),
  next_cursor: Type.Union([Type.String(), Type.Null()], { description: 'Of the next page; null: this is the last.' }),
});

export const eventAnswerSchema = Type.Unsafe<EventAnswer>(
  closedObject({
    ...shownMembers,
    occurrences: Type.Optional(
      Type.Array(shownEvent, {
        description: 'The other rows of the same id, lowest seq first; absent when there is none.',
      }),
    ),
  }),
);
export type EventAnswer = ShownEvent & { occurrences?: ShownEvent[] };

const skippedStatuses = eventStatuses.filter((status) => status !== 'accepted' && status !== 'conflict');

export const feedAnswerSchema = closedObject({
  data: Type.Array(publicEventSchema, { description: 'In the order of seq.' }),
  skipped: Type.Unsafe<Record<'filtered' | (typeof skippedStatuses)[number], number>>(
    closedObject(
      Object.fromEntries(['filtered', ...skippedStatuses].map((name) => [name, Type.Integer({ minimum: 0 })])),
      {
        description:
          'Rows between `after` and `next_after` that are not in `data`: count + Σ skipped = next_after − after.',
      },
    ),
  ),
  next_after: count('What to send as `after` next.'),
  complete_through: count('Everything up to this seq can be read now.'),
  as_of: time('When that was so.'),
  first_seq: count('The first seq that the log still has.'),
});

const countedValues = (description: string) =>
  Type.Array(closedObject({ value: Type.String(), count: count('Events that have it.') }), { description });

export const histogramAnswerSchema = closedObject({
  since: time('Where the first bucket is cut.'),
  until: time('Where the last bucket is cut.'),
  interval: Type.String({ description: 'Width of a bucket.' }),
  total: count('Events in all buckets.'),
  buckets: Type.Array(
    closedObject({
      at: time('Where it begins.'),
      count: count('Events in it.'),
      values: Type.Optional(
        countedValues(
          'Of the field asked for: its values by count. What is missing from `count` has another value, or none.',
        ),
      ),
    }),
    { description: 'Every bucket of the range, in order, empty ones too.' },
  ),
});

const facet = closedObject({
  values: countedValues('The most frequent ones.'),
  has_more: Type.Boolean({ description: 'There are values beyond these.' }),
});

export const facetsAnswerSchema = closedObject({
  total: count('Events that were found.'),
  facets: Type.Record(Type.String(), facet, { description: 'By field; its values by count.' }),
});

const ownEvents = Type.Optional(Type.Array(ownEntry, { description: 'Of the view user: whose events are shown.' }));
/** Who looks, as the maker of the token says. */
const viewer = Type.Optional(typedId);

export const whoamiAnswer = closedObject({
  credential: Type.Union([Type.Literal('key'), Type.Literal('viewer_token')]),
  key_id: Type.String({ description: 'Of a viewer token: the key that made it.' }),
  scopes: Type.Array(Type.String()),
  tenants: Type.Union([Type.Literal('*'), Type.Array(Type.String())], { description: '`*`: every tenant.' }),
  view: Type.Union(
    views.map((view) => Type.Literal(view)),
    { description: 'Which part of a log it sees.' },
  ),
  any_of: ownEvents,
  token_id: Type.Optional(Type.String()),
  expires_at: Type.Optional(time('When the token ends.')),
  viewer,
});

const grantMembers = {
  token_id: Type.String(),
  expires_at: time('When the token ends.'),
  tenant_id: Type.String(),
  view: tokenView,
  any_of: ownEvents,
  viewer,
};
const grantAnswer = closedObject(grantMembers);
export const viewerTokenAnswer = closedObject({
  token: Type.String({ description: 'A JWT, to be sent as `Authorization: Bearer …`.' }),
  ...grantMembers,
});

export type WhoamiAnswer = Static<typeof whoamiAnswer>;
export type GrantAnswer = Static<typeof grantAnswer>;
export type FeedAnswer = Static<typeof feedAnswerSchema>;
export type HistogramAnswer = Static<typeof histogramAnswerSchema>;
export type FacetsAnswer = Static<typeof facetsAnswerSchema>;
