import { rfc3339OfMillis } from '@docket/event';
import type { RequestHandler } from 'express';
import type { WhoamiAnswer } from '../answer-schemas.ts';
import { whoamiEndpoint } from '../endpoints.ts';
import type { Caller } from '../gate/reader-policy.ts';
import { anyOfOf } from '../tokens/viewer-grant-mapper.ts';
import type { Callers } from './caller.ts';
import { parametersOf, requireValid } from './query-string.ts';

/** GET /v1/whoami: what the credential may do. Any credential may ask, also one without a scope of this service. */
export function getWhoami({ callers }: { readonly callers: Callers }): RequestHandler {
  return async (req, res) => {
    const caller = await callers.callerOf(req);
    requireValid(parametersOf(req, whoamiEndpoint));
    res.set('Cache-Control', 'no-store').json(whoami(caller));
  };
}

function whoami({ keyId, scopes, tenants, view, token }: Caller): WhoamiAnswer {
  return {
    credential: token === null ? 'key' : 'viewer_token',
    key_id: keyId,
    scopes: [...scopes],
    tenants: tenants === '*' ? tenants : [...tenants],
    view: view.kind,
    ...(view.kind === 'user' ? { any_of: anyOfOf(view.own) } : {}),
    ...(token === null ? {} : { token_id: token.id, expires_at: rfc3339OfMillis(token.expiresAt * 1_000) }),
    ...(token === null || token.viewer === null ? {} : { viewer: token.viewer }),
  };
}
