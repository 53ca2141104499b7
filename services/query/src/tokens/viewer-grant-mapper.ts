import { isTenantId, isWellFormed, tenantIdPattern, typePattern, type OwnEvents, type TypedId } from '@docket/event';
import { invalidField } from '@docket/runtime';
import { Type, type Static } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type { UserView, ViewerGrant } from '../gate/reader-policy.ts';

/** The life of a token: a browser asks its backend for a new one in good time. */
export const lifeSecondsMax = 900;
/** Each entry is a condition of every read. */
export const anyOfMax = 32;

const closed = { additionalProperties: false };
export const typedId = Type.Object(
  { type: Type.String({ pattern: typePattern }), id: Type.String({ minLength: 1, maxLength: 256 }) },
  closed,
);
export const ownEntry = Type.Union([
  Type.Object({ actor: typedId }, closed),
  Type.Object({ on_behalf_of: typedId }, closed),
  Type.Object({ resource: typedId }, closed),
]);
type OwnEntry = Static<typeof ownEntry>;

export const tokenView = Type.Union([Type.Literal('admin'), Type.Literal('user')]);
const anyOf = Type.Array(ownEntry, { minItems: 1, maxItems: anyOfMax });

/** The body of POST /v1/viewer-tokens. */
export const newViewerTokenBody = Type.Object(
  {
    tenant_id: Type.Optional(
      Type.String({ pattern: tenantIdPattern, description: 'May be left out with a key for one tenant.' }),
    ),
    view: tokenView,
    any_of: Type.Optional(anyOf),
    viewer: Type.Optional(typedId),
    ttl_seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: lifeSecondsMax })),
  },
  closed,
);
export type NewViewerTokenBody = Static<typeof newViewerTokenBody>;

/** What a body asks for. Throws invalid_body for what its schema can not say. */
export function grantOfBody(
  body: NewViewerTokenBody,
  made: { readonly tokenId: string; readonly keyId: string; readonly tenantId: string; readonly nowSeconds: number },
): ViewerGrant {
  const { any_of: entries, viewer = null, ttl_seconds: lifeSeconds = lifeSecondsMax } = body;
  if (body.view === 'admin' && entries !== undefined)
    throw invalidField('/any_of', 'belongs to the view user; admin shows the whole log');
  if (body.view === 'user' && entries === undefined)
    throw invalidField('/any_of', 'is required: whose events are shown');
  for (const [index, entry] of (entries ?? []).entries()) {
    const [name = '', pair] = Object.entries(entry)[0] ?? [];
    if (pair !== undefined && !isWellFormed(pair.id))
      throw invalidField(`/any_of/${index}/${name}/id`, 'has a lone surrogate');
  }
  if (viewer !== null && !isWellFormed(viewer.id)) throw invalidField('/viewer/id', 'has a lone surrogate');
  return {
    token: { id: made.tokenId, viewer, expiresAt: made.nowSeconds + lifeSeconds },
    keyId: made.keyId,
    tenantId: made.tenantId,
    view: entries === undefined ? { kind: 'admin' } : userView(entries),
  };
}

/** The members of a token of our own, apart from those that every JWT has. */
const claimsSchema = Type.Object({
  key: Type.String(),
  tenant: Type.String(),
  view: tokenView,
  any_of: Type.Optional(anyOf),
  viewer: Type.Optional(typedId),
  jti: Type.String({ minLength: 1, maxLength: 64 }),
  iat: Type.Integer(),
  exp: Type.Integer(),
});
export type ViewerClaims = Static<typeof claimsSchema>;

export function claimsOfGrant({ token, keyId, tenantId, view: granted }: ViewerGrant, issuedAt: number): ViewerClaims {
  return {
    key: keyId,
    tenant: tenantId,
    view: granted.kind,
    ...(granted.kind === 'user' ? { any_of: anyOfOf(granted.own) } : {}),
    ...(token.viewer === null ? {} : { viewer: token.viewer }),
    jti: token.id,
    iat: issuedAt,
    exp: token.expiresAt,
  };
}

/** The grant of signed claims; null: no program of ours wrote them, or one that grants more than this one may honour. */
export function grantOfClaims(claims: unknown): ViewerGrant | null {
  if (!Value.Check(claimsSchema, claims)) return null;
  const { key: keyId, tenant: tenantId, any_of: entries, viewer = null, jti, iat, exp } = claims;
  const hasOwn = entries !== undefined;
  if (hasOwn !== (claims.view === 'user') || !isTenantId(tenantId) || exp - iat > lifeSecondsMax) return null;
  const token = { id: jti, viewer, expiresAt: exp };
  return { token, keyId, tenantId, view: hasOwn ? userView(entries) : { kind: 'admin' } };
}

function userView(entries: readonly OwnEntry[]): UserView {
  const pick = (read: (entry: OwnEntry) => TypedId | null): TypedId[] =>
    entries.map(read).filter((pair) => pair !== null);
  return {
    kind: 'user',
    own: {
      actors: pick((entry) => ('actor' in entry ? entry.actor : null)),
      onBehalfOf: pick((entry) => ('on_behalf_of' in entry ? entry.on_behalf_of : null)),
      resources: pick((entry) => ('resource' in entry ? entry.resource : null)),
    },
  };
}

/** The entries of a view, as they are written in requests, tokens and answers. */
export function anyOfOf({ actors, onBehalfOf, resources }: OwnEvents): OwnEntry[] {
  return [
    ...actors.map((actor) => ({ actor })),
    ...onBehalfOf.map((pair) => ({ on_behalf_of: pair })),
    ...resources.map((resource) => ({ resource })),
  ];
}
