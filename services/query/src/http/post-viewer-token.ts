import { randomUUID } from 'node:crypto';
import { rfc3339OfMillis } from '@docket/event';
import { DocketError, invalidField, parseBody, readJsonBody } from '@docket/runtime';
import type { RequestHandler } from 'express';
import type { GrantAnswer } from '../answer-schemas.ts';
import { createViewerTokenEndpoint } from '../endpoints.ts';
import type { QueryMetrics } from '../metrics.ts';
import type { ViewerGrant } from '../gate/reader-policy.ts';
import { anyOfOf, grantOfBody } from '../tokens/viewer-grant-mapper.ts';
import type { ViewerTokens } from '../tokens/viewer-tokens.ts';
import { anyReaderOf, tenantOf, type Callers } from './caller.ts';
import { parametersOf, requireValid } from './query-string.ts';

/** 32 entries of the longest ids there are. */
const bodyBytesMax = 64 * 1024;
/** With the other headers of a browser it stays below the 8 KiB that common proxies take. */
const tokenCharactersMax = 6_000;

interface ViewerTokenPorts {
  readonly callers: Callers;
  readonly tokens: ViewerTokens;
  readonly metrics: Pick<QueryMetrics, 'viewerTokens'>;
}

/** POST /v1/viewer-tokens: a JWT of at most 15 minutes for a browser. Keys that may read a log make them for it; tokens make none. */
export function postViewerToken({ callers, tokens, metrics }: ViewerTokenPorts): RequestHandler {
  return async (req, res) => {
    const caller = await anyReaderOf(callers, req);
    if (caller.token !== null)
      throw new DocketError('view_not_allowed', 'A viewer token can not make tokens: this needs a key.');
    requireValid(parametersOf(req, createViewerTokenEndpoint));
    const body = parseBody(createViewerTokenEndpoint.body, await readJsonBody(req, { bytesMax: bodyBytesMax }));
    const tenantId = tenantOf(caller, body.tenant_id);
    const nowSeconds = Math.floor(Date.now() / 1_000);
    const grant = grantOfBody(body, { tokenId: randomUUID(), keyId: caller.keyId, tenantId, nowSeconds });
    const token = await tokens.sign(grant, nowSeconds);
    if (token.length > tokenCharactersMax)
      throw invalidField('/any_of', `makes a token of more than ${tokenCharactersMax} characters`);
    metrics.viewerTokens.inc({ view: grant.view.kind });
    res
      .status(201)
      .set('Cache-Control', 'no-store')
      .json({ token, ...grantAnswer(grant) });
  };
}

/** What a token grants, to people: in the answer that brings it and in GET /v1/whoami. */
function grantAnswer({ token, tenantId, view }: Pick<ViewerGrant, 'token' | 'tenantId' | 'view'>): GrantAnswer {
  return {
    token_id: token.id,
    expires_at: rfc3339OfMillis(token.expiresAt * 1_000),
    tenant_id: tenantId,
    view: view.kind,
    ...(view.kind === 'user' ? { any_of: anyOfOf(view.own) } : {}),
    ...(token.viewer === null ? {} : { viewer: token.viewer }),
  };
}
