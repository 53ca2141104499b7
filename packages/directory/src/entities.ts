import { tenantIdPattern } from '@docket/event';
import { Type } from '@sinclair/typebox';
import type { Static } from '@sinclair/typebox';

import { maskActions } from './mask-fields.ts';

/** What a key may do. No scope includes another. */
export const scopes = ['events:write', 'events:read', 'subscriptions:write', 'admin'] as const;
export type Scope = (typeof scopes)[number];

/** What one request to a webhook holds: a batch with its accounting, one event, or an event on each line. */
export const webhookLayouts = ['batch', 'single', 'ndjson'] as const;
export type WebhookLayout = (typeof webhookLayouts)[number];

/** What an event looks like at the receiver: as the API shows it, or as OCSF has it. */
export const eventFormats = ['native', 'ocsf'] as const;

/** What the secret of an elastic_bulk sink is: an API key, `user:password`, or a bearer token. */
export const elasticAuths = ['api_key', 'basic', 'bearer'] as const;

const time = Type.String({ description: 'RFC 3339, UTC.', minLength: 20, maxLength: 30 });
const tenantId = Type.String({ pattern: tenantIdPattern });
const stored = { version: Type.Literal(1) };

/** Members that a later version added are ignored, so that services of two versions can share a directory. */
const open = { additionalProperties: true };

/** A customer organisation. Its log is named by its id. */
export const tenantSchema = Type.Object(
  { ...stored, kind: Type.Literal('tenant'), id: tenantId, name: Type.String(), created_at: time },
  open,
);

/** A credential, `dk_<id>_<secret>`; only the SHA-256 of the secret is stored. */
export const apiKeySchema = Type.Object(
  {
    ...stored,
    kind: Type.Literal('key'),
    id: Type.String({ pattern: '^[0-9a-f]{16}$' }),
    name: Type.String(),
    secret_sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    scopes: Type.Array(Type.Union(scopes.map((scope) => Type.Literal(scope)))),
    tenants: Type.Union([Type.Literal('*'), Type.Array(tenantId)]),
    created_at: time,
    expires_at: Type.Optional(time),
    revoked_at: Type.Optional(time),
    rotated_at: Type.Optional(time),
    /** From before rotations: taken until they expire. Services of an older version take the newest only. */
    old_secrets: Type.Optional(
      Type.Array(Type.Object({ secret_sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }), expires_at: time }, open)),
    ),
  },
  open,
);

/** Sealed for the subscription's id; several are valid while one is rotated. */
const sealedSecret = Type.Object({ sealed: Type.String(), created_at: time, expires_at: Type.Optional(time) }, open);

/** Newest first. Of a webhook, each signs; any other sink is sent the newest one as its token. */
const secrets = Type.Array(sealedSecret, { minItems: 1 });

const webhookSink = Type.Object(
  {
    type: Type.Literal('webhook'),
    url: Type.String(),
    secrets,
    /** What a request holds; absent: batch. */
    layout: Type.Optional(Type.Union(webhookLayouts.map((layout) => Type.Literal(layout)))),
    /** The owner's own; see custom-headers. Absent: none. */
    headers: Type.Optional(Type.Object({ names: Type.Array(Type.String()), sealed: Type.String() }, open)),
  },
  open,
);

const splunkHecSink = Type.Object(
  {
    type: Type.Literal('splunk_hec'),
    url: Type.String(),
    secrets,
    index: Type.Optional(Type.String()),
    source: Type.Optional(Type.String()),
    sourcetype: Type.Optional(Type.String()),
    host: Type.Optional(Type.String()),
  },
  open,
);

const datadogSink = Type.Object(
  {
    type: Type.Literal('datadog'),
    url: Type.String(),
    secrets,
    service: Type.Optional(Type.String()),
    tags: Type.Optional(Type.Array(Type.String())),
  },
  open,
);

const elasticBulkSink = Type.Object(
  {
    type: Type.Literal('elastic_bulk'),
    url: Type.String(),
    secrets,
    index: Type.String(),
    auth: Type.Union(elasticAuths.map((auth) => Type.Literal(auth))),
  },
  open,
);

const batch = Type.Object(
  {
    max_events: Type.Integer({ minimum: 1 }),
    max_bytes: Type.Integer({ minimum: 1 }),
    max_wait_ms: Type.Integer({ minimum: 0 }),
  },
  open,
);

const maskRule = Type.Object(
  { field: Type.String(), action: Type.Union(maskActions.map((action) => Type.Literal(action))) },
  open,
);

/**
 * Where the partition of a log ended in Kafka when an order was given. The order is itself told in the log, behind it; so there is always a first record
 * from there on, and which one it is depends on no clock.
 */
const place = Type.Object({ generation: Type.Integer({ minimum: 1 }), offset: Type.Integer({ minimum: 0 }) }, open);

/** A standing order to push a tenant's log to a sink. `active` and `paused` are the owner's wish; how delivery fares is in its cursor. */
export const subscriptionSchema = Type.Object(
  {
    ...stored,
    kind: Type.Literal('subscription'),
    id: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
    tenant_id: tenantId,
    name: Type.String(),
    /** Absent: native. */
    format: Type.Optional(Type.Union(eventFormats.map((format) => Type.Literal(format)))),
    sink: Type.Union([webhookSink, splunkHecSink, datadogSink, elasticBulkSink]),
    /** Search language; only matching events are delivered. Absent: every event. */
    filter: Type.Optional(Type.String()),
    /** What is left out of each event, or replaced by a pseudonym, before it is sent. Absent: nothing. */
    mask: Type.Optional(Type.Array(maskRule)),
    /** Sealed for the subscription's id: makes the pseudonyms. Kept while the subscription lives, so that they stay the same. */
    mask_key: Type.Optional(Type.String()),
    batch,
    /** How many batches may be under way at once. Absent: one, so that they arrive in order. */
    mode: Type.Optional(
      Type.Union([
        Type.Object({ type: Type.Literal('ordered') }, open),
        Type.Object({ type: Type.Literal('window'), batches: Type.Integer({ minimum: 2 }) }, open),
      ]),
    ),
    state: Type.Union([Type.Literal('active'), Type.Literal('paused')]),
    /** The first event delivered is the first after this seq; 0 = from the beginning of what the log still has. */
    start_after_seq: Type.Integer({ minimum: 0 }),
    /** The last order to go on, or to begin, elsewhere: with what was received from then on. Delivery carries each out once, by its id. */
    resume: Type.Optional(Type.Object({ id: Type.String(), received_from: time, place: Type.Optional(place) }, open)),
    /** Sends a range of the log once more, beside the subscription `of`, tagged, and ends at `to_seq`. Absent: follows the log. */
    replay: Type.Optional(Type.Object({ of: Type.String(), to_seq: Type.Integer({ minimum: 1 }) }, open)),
    created_at: time,
    updated_at: time,
  },
  open,
);

export type Tenant = Static<typeof tenantSchema>;
export type ApiKey = Static<typeof apiKeySchema>;
export type Subscription = Static<typeof subscriptionSchema>;
export type Sink = Subscription['sink'];
export type SinkType = Sink['type'];
export type WebhookSink = Static<typeof webhookSink>;
export type SplunkHecSink = Static<typeof splunkHecSink>;
export type DatadogSink = Static<typeof datadogSink>;
export type ElasticBulkSink = Static<typeof elasticBulkSink>;
export type SealedSecret = Static<typeof sealedSecret>;
export type SubscriptionBatch = Static<typeof batch>;
export type Entity = Tenant | ApiKey | Subscription;
export type EntityKind = Entity['kind'];
