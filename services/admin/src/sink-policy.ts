import { customHeaderProblem, sealHeaders, webhookSecretBytes } from '@docket/directory';
import type { CustomHeaders, SealedHeaders, SealedSecret, Sink } from '@docket/directory';
import { invalidField } from '@docket/runtime';
import type { DocketError } from '@docket/runtime';

import type { PublicSink } from './answer-schemas.ts';
import type { NewSinkBody, SinkPatchBody } from './sink-bodies.ts';
import { sinkUrlProblem } from './sink-url-policy.ts';

/** Decides what is sealed of a new sink; undefined: a webhook that is to be given a new secret. Throws invalid_body. */
export function secretOfNew(body: NewSinkBody): string | undefined {
  if (body.type === 'elastic_bulk') checkElasticToken(body.auth, body.token);
  if (body.type !== 'webhook') return body.token;
  checkWebhookSecret(body.secret, '/sink/secret');
  return body.secret;
}

/** Throws invalid_body for a secret that cannot sign. */
export function checkWebhookSecret(secret: string | undefined, pointer: string): void {
  if (secret === undefined || webhookSecretBytes(secret) !== undefined) return;
  throw invalidField(pointer, 'is not whsec_ and base64 of 24 to 64 bytes');
}

/** Seals a text for the subscription that is being decided on. */
export type Seal = (text: string) => string;

/** Decides what is stored of a new sink. Throws invalid_body for its URL and its headers. */
export function newSink(
  body: NewSinkBody,
  secret: SealedSecret,
  { allowedHosts, seal }: { readonly allowedHosts: readonly string[]; readonly seal: Seal },
): Sink {
  checkUrl(body.url, allowedHosts);
  if (body.type === 'webhook') {
    const { secret: _given, headers, ...settings } = body;
    return { ...settings, ...storedHeaders(headers, seal), secrets: [secret] };
  }
  const { token: _token, ...settings } = body;
  return { ...settings, secrets: [secret] };
}

/**
 * Decides what a patch makes of a sink. A new token replaces the old one: it is the receiver's, and goes to no other; so do headers all that were before. Throws
 * invalid_body.
 */
export function patchedSink(
  known: Sink,
  body: SinkPatchBody,
  { now, allowedHosts, seal }: { readonly now: string; readonly allowedHosts: readonly string[]; readonly seal: Seal },
): Sink {
  const { url = known.url, token, headers } = body;
  if (body.url !== undefined) checkUrl(url, allowedHosts);
  const isSameServer = new URL(url).origin === new URL(known.url).origin;
  if (known.type === 'webhook') {
    if (token !== undefined) throw invalidField('/sink/token', 'is not for a webhook, which signs with its secret');
    if (headers === undefined) {
      if (known.headers !== undefined && !isSameServer) throw keptFor('/sink/headers', 'are');
      return { ...known, url };
    }
    const { headers: _before, ...rest } = known;
    return { ...rest, url, ...storedHeaders(headers, seal) };
  }
  if (headers !== undefined) throw invalidField('/sink/headers', 'are for a webhook');
  if (token === undefined) {
    if (!isSameServer) throw keptFor('/sink/token', 'is');
    return { ...known, url };
  }
  if (known.type === 'elastic_bulk') checkElasticToken(known.auth, token);
  return { ...known, url, secrets: [{ sealed: seal(token), created_at: now }] };
}

/** It is never shown: who names a server of his own must not be sent it either. */
function keptFor(pointer: string, verb: 'is' | 'are'): DocketError {
  return invalidField(pointer, `${verb} required with the URL of another server: what is kept is for the old one`);
}

/** Names are kept in lower case. Throws invalid_body. */
function storedHeaders(headers: CustomHeaders = {}, seal: Seal): { readonly headers?: SealedHeaders } {
  const checked = new Map<string, string>();
  for (const [given, value] of Object.entries(headers)) {
    const name = given.toLowerCase();
    const problem = checked.has(name) ? 'is there twice' : customHeaderProblem(name, value);
    if (problem !== undefined) throw invalidField(`/sink/headers/${pointerOf(given)}`, problem);
    checked.set(name, value);
  }
  return checked.size === 0 ? {} : { headers: sealHeaders(Object.fromEntries(checked), seal) };
}

/** A name in a JSON pointer (RFC 6901). */
const pointerOf = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

/** A sink without its secrets. */
export function toPublicSink(sink: Sink): PublicSink {
  switch (sink.type) {
    case 'webhook':
      return {
        type: sink.type,
        url: sink.url,
        ...shown({ layout: sink.layout }),
        ...shown({ headers: sink.headers?.names }),
      };
    case 'splunk_hec': {
      const { type, url, index, source, sourcetype, host } = sink;
      return { type, url, ...shown({ index }), ...shown({ source }), ...shown({ sourcetype }), ...shown({ host }) };
    }
    case 'datadog':
      return { type: sink.type, url: sink.url, ...shown({ service: sink.service }), ...shown({ tags: sink.tags }) };
    case 'elastic_bulk':
      return { type: sink.type, url: sink.url, index: sink.index, auth: sink.auth };
  }
}

/** A member that is there, or none. */
function shown<Name extends string, Value>(member: { readonly [N in Name]: Value | undefined }): {
  [N in Name]?: Value;
} {
  const there: { [N in Name]?: Value } = {};
  for (const name in member) {
    const value = member[name];
    if (value !== undefined) there[name] = value;
  }
  return there;
}

function checkElasticToken(auth: 'api_key' | 'basic' | 'bearer', token: string): void {
  if (auth === 'basic' && !/^[^:]+:./.test(token)) throw invalidField('/sink/token', 'is not user:password');
}

function checkUrl(url: string, allowedHosts: readonly string[]): void {
  const problem = sinkUrlProblem(url, allowedHosts);
  if (problem !== undefined) throw invalidField('/sink/url', problem);
}
