import { webhookSecretBytes } from '@docket/directory';
import type { SealedSecret, Sink } from '@docket/directory';
import { invalidField } from '@docket/runtime';

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

/** Decides what is stored of a new sink. Throws invalid_body for its URL. */
export function newSink(body: NewSinkBody, secret: SealedSecret, allowedHosts: readonly string[]): Sink {
  checkUrl(body.url, allowedHosts);
  if (body.type === 'webhook') {
    const { secret: _given, ...settings } = body;
    return { ...settings, secrets: [secret] };
  }
  const { token: _token, ...settings } = body;
  return { ...settings, secrets: [secret] };
}

/** Decides what a patch makes of a sink. A new token replaces the old one: it is the receiver's, and goes to no other. Throws invalid_body. */
export function patchedSink(
  known: Sink,
  body: SinkPatchBody,
  newToken: SealedSecret | undefined,
  allowedHosts: readonly string[],
): Sink {
  if (body.url !== undefined) checkUrl(body.url, allowedHosts);
  const moved = { ...known, url: body.url ?? known.url };
  if (body.token === undefined || newToken === undefined) {
    const isSameServer = new URL(moved.url).origin === new URL(known.url).origin;
    // It is never shown: who names a server of his own must not be sent it either.
    if (known.type !== 'webhook' && !isSameServer)
      throw invalidField('/sink/token', 'is required with the URL of another server: the one kept is for the old one');
    return moved;
  }
  if (known.type === 'webhook') throw invalidField('/sink/token', 'is not for a webhook, which signs with its secret');
  if (known.type === 'elastic_bulk') checkElasticToken(known.auth, body.token);
  return { ...moved, secrets: [newToken] };
}

/** A sink without its secrets. */
export function toPublicSink(sink: Sink): PublicSink {
  switch (sink.type) {
    case 'webhook':
      return { type: sink.type, url: sink.url, ...shown({ layout: sink.layout }) };
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
