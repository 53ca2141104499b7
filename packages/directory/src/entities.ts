import { tenantIdPattern } from '@docket/event';
import { Type } from '@sinclair/typebox';
import type { Static } from '@sinclair/typebox';

/** What a key may do. No scope includes another. */
export const scopes = ['events:write', 'events:read', 'subscriptions:write', 'admin'] as const;
export type Scope = (typeof scopes)[number];

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
  },
  open,
);

/** Sealed for the subscription's id; several are valid while one is rotated. */
const sealedSecret = Type.Object({ sealed: Type.String(), created_at: time, expires_at: Type.Optional(time) }, open);

const webhookSink = Type.Object(
  { type: Type.Literal('webhook'), url: Type.String(), secrets: Type.Array(sealedSecret, { minItems: 1 }) },
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

/** A standing order to push a tenant's log to a sink. `active` and `paused` are the owner's wish; how delivery fares is in its cursor. */
export const subscriptionSchema = Type.Object(
  {
    ...stored,
    kind: Type.Literal('subscription'),
    id: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
    tenant_id: tenantId,
    name: Type.String(),
    sink: webhookSink,
    /** Search language; only matching events are delivered. Absent: every event. */
    filter: Type.Optional(Type.String()),
    batch,
    state: Type.Union([Type.Literal('active'), Type.Literal('paused')]),
    /** The first event delivered is the first after this seq; 0 = from the beginning of what the log still has. */
    start_after_seq: Type.Integer({ minimum: 0 }),
    created_at: time,
    updated_at: time,
  },
  open,
);

export type Tenant = Static<typeof tenantSchema>;
export type ApiKey = Static<typeof apiKeySchema>;
export type Subscription = Static<typeof subscriptionSchema>;
export type SealedSecret = Static<typeof sealedSecret>;
export type SubscriptionBatch = Static<typeof batch>;
export type Entity = Tenant | ApiKey | Subscription;
export type EntityKind = Entity['kind'];
