import { eventFormats, maskableFields, maskActions, maskRulesMax, parkedMax, scopes } from '@docket/directory';
import { searchUnitsMax, tenantIdPattern } from '@docket/event';
import { Type } from '@sinclair/typebox';
import type { Static, TProperties } from '@sinclair/typebox';

import { newSinkBody, sinkPatchBody, webhookSecret } from './sink-bodies.ts';

const closed = <Properties extends TProperties>(properties: Properties, options: { minProperties?: number } = {}) =>
  Type.Object(properties, { additionalProperties: false, ...options });

const tenantId = Type.String({ pattern: tenantIdPattern, description: '1..128 of [A-Za-z0-9._:-].' });
const name = Type.String({ minLength: 1, maxLength: 256 });

export const newTenantBody = closed({ id: tenantId, name: Type.Optional(name) });

export const newKeyBody = closed({
  name,
  scopes: Type.Array(Type.Union(scopes.map((scope) => Type.Literal(scope))), { minItems: 1, uniqueItems: true }),
  tenants: Type.Union([Type.Literal('*'), Type.Array(tenantId, { minItems: 1, maxItems: 1000, uniqueItems: true })]),
  expires_at: Type.Optional(Type.String({ maxLength: 40, description: 'RFC 3339, in the future.' })),
});

/** A week: longer than any deploy takes, and short enough that a secret which leaked ends. */
const overlapSecondsMax = 7 * 24 * 3600;

export const rotateKeyBody = closed({
  overlap_seconds: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: overlapSecondsMax,
      default: 86_400,
      description: 'How long the secret until now is taken beside the new one; 0: no longer.',
    }),
  ),
});

const state = Type.Union([Type.Literal('active'), Type.Literal('paused')], {
  description: 'active (default), or paused: nothing is sent until it is resumed.',
});

/** What a new subscription has where its owner does not say otherwise. */
export const batchDefault = { max_events: 100, max_bytes: 1024 * 1024, max_wait_ms: 1000 };

/** @param of what is taken for a member that is left out: `default` of it, or, of a change, what there is. */
const batch = (of: (member: keyof typeof batchDefault) => { readonly default?: number }) =>
  closed({
    max_events: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1000, ...of('max_events'), description: 'Events of one batch, at most.' }),
    ),
    max_bytes: Type.Optional(
      Type.Integer({
        minimum: 1024,
        maximum: 5 * 1024 * 1024,
        ...of('max_bytes'),
        description: 'Bytes of one body, at most, unless a single event is larger.',
      }),
    ),
    max_wait_ms: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 60_000,
        ...of('max_wait_ms'),
        description: 'How long the first event of a batch waits for others.',
      }),
    ),
  });

/** I7: each is a request under way in one slot. */
const windowBatchesMax = 8;

const mode = Type.Union(
  [
    closed({ type: Type.Literal('ordered') }),
    closed({
      type: Type.Literal('window'),
      batches: Type.Integer({ minimum: 2, maximum: windowBatchesMax, description: 'Under way at once, at most.' }),
    }),
  ],
  {
    description:
      'ordered (default): one batch after the other, so that events arrive in the order of seq. window: several at once, which may arrive in any order; for a receiver that is far away and sorts by seq itself.',
  },
);

const filter = Type.String({
  maxLength: searchUnitsMax,
  description:
    'In the search language, without status and relative times: only matching events are delivered. Empty: every event.',
});

const mask = Type.Array(
  closed({
    field: Type.String({
      maxLength: 90,
      description: `One of ${maskableFields.join(', ')}; KEY is a name of metadata, and lists are gone through.`,
    }),
    action: Type.Union(
      maskActions.map((action) => Type.Literal(action)),
      { description: 'drop: left out. hmac: replaced by a pseudonym, the same for the same value.' },
    ),
  }),
  {
    maxItems: maskRulesMax,
    description:
      'What the receiver does not get of an event, in every format. The filter goes by what it is. Empty: all.',
  },
);

const sinceTime = closed({ time: Type.String({ maxLength: 40, description: 'RFC 3339.' }) });

const start = Type.Union(
  [
    Type.Literal('beginning'),
    Type.Literal('now'),
    closed({ after_seq: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }) }),
    sinceTime,
  ],
  {
    default: 'beginning',
    description:
      'The first event that is sent. beginning (default): the first that the log has, so that ALL OF ITS HISTORY is sent. now: the first that was not accepted before this request. Or the first behind a seq, or the first that was received at a time or later.',
  },
);

export const newSubscriptionBody = closed({
  tenant_id: Type.Optional(
    Type.String({
      pattern: tenantIdPattern,
      description: 'Whose log. May be left out with a key for one tenant.',
    }),
  ),
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'For people. Left out: the id.' })),
  sink: newSinkBody,
  format: Type.Optional(
    Type.Union(
      eventFormats.map((format) => Type.Literal(format)),
      { description: 'What an event looks like: as here (default), or OCSF 1.4.0.' },
    ),
  ),
  filter: Type.Optional(filter),
  mask: Type.Optional(mask),
  batch: Type.Optional(batch((member) => ({ default: batchDefault[member] }))),
  mode: Type.Optional(mode),
  state: Type.Optional(state),
  start: Type.Optional(start),
});

export const subscriptionPatchBody = closed(
  {
    name: Type.Optional(name),
    sink: Type.Optional(sinkPatchBody),
    filter: Type.Optional(filter),
    mask: Type.Optional(mask),
    batch: Type.Optional(batch(() => ({}))),
    mode: Type.Optional(mode),
    state: Type.Optional(state),
  },
  { minProperties: 1 },
);

export const resumeBody = closed({
  from: Type.Union([Type.Literal('cursor'), Type.Literal('now'), sinceTime], {
    description:
      'Where to go on: with what was not delivered yet; with what is received from now on; or with what was received at this time or later, also once more.',
  }),
});

export const replayBody = closed({
  seqs: Type.Union(
    [
      Type.Literal('all'),
      Type.Array(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }), {
        minItems: 1,
        maxItems: parkedMax,
        uniqueItems: true,
      }),
    ],
    { description: 'Of parked events, or all of them.' },
  ),
});

const seq = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });

export const rangeReplayBody = closed({
  from_seq: seq,
  to_seq: seq,
  filter: Type.Optional(filter),
});

export const rotationBody = closed({
  secret: Type.Optional(webhookSecret),
  overlap_seconds: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 7 * 86_400,
      description: 'How long the secrets before it sign as well. Default: a day.',
    }),
  ),
});

export type NewTenantBody = Static<typeof newTenantBody>;
export type NewKeyBody = Static<typeof newKeyBody>;
export type RotateKeyBody = Static<typeof rotateKeyBody>;
export type NewSubscriptionBody = Static<typeof newSubscriptionBody>;
export type ResumeBody = Static<typeof resumeBody>;
export type RangeReplayBody = Static<typeof rangeReplayBody>;
export type RotationBody = Static<typeof rotationBody>;
export type ReplayBody = Static<typeof replayBody>;
export type SubscriptionPatchBody = Static<typeof subscriptionPatchBody>;
