import { hostsAllowedTo } from '@docket/directory';
import { Agent } from 'undici';

import { vetUrl } from './address-policy.ts';
import type { Target } from './address-policy.ts';
import { exchange, ExchangeTimeout } from './http-exchange.ts';
import type { Answer, SendError } from '../machine/outcome-policy.ts';
import { createReceiverNames } from './receiver-names.ts';
import { parseRetryAfter } from '../machine/retry-policy.ts';
import { addressNotAllowedCode, createVettedLookup, nameNotFoundCode } from './vetted-lookup.ts';
import type { Resolve } from './vetted-lookup.ts';

/** Deadlines of one exchange, which bound how long a slot is held. `exchangeMs` is that of the whole, answer's body included. */
interface Deadlines {
  readonly connectMs: number;
  readonly firstByteMs: number;
  readonly exchangeMs: number;
}
const defaultDeadlines: Deadlines = { connectMs: 5_000, firstByteMs: 15_000, exchangeMs: 30_000 };
/** More of an answer than this is not read, unless the sink has more to say; the socket is closed. */
const answerBytesMaxDefault = 16 * 1024;
/** I8: URLs whose judgement is remembered. */
const placesMax = 20_000;
/** Below what common servers keep idle sockets for (nginx 75 s, Node 5 s). */
const keepAliveMs = 4_000;

type Place =
  | { readonly ok: true; readonly dispatcher: Agent; readonly origin: string; readonly path: string }
  | Extract<Target, { ok: false }>;

export interface WebhookRequest {
  readonly url: string;
  /** With the content type. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Default 16 KiB. */
  readonly answerBytesMax?: number;
}

export interface WebhookSender {
  /**
   * Sends one request of a tenant, and never rejects: every failure is an answer. Redirects are not followed. Aborted: `connection`.
   */
  send(webhook: WebhookRequest, signal: AbortSignal, tenantId?: string): Promise<Answer>;
  /** I8: names that are being looked up. */
  lookups(): number;
  close(): Promise<void>;
}

export interface WebhookSenderOptions {
  /** SINK_ALLOWED_HOSTS: hosts whose addresses are not judged, for all or for one tenant. The system's own look-up (hosts file, search domains) finds them. */
  readonly allowedHosts: readonly string[];
  /** Default: 5 s, 15 s, 30 s. */
  readonly deadlines?: Deadlines;
  /** Name servers for all other hosts, as host or host:port; default: those of the system. */
  readonly nameServers?: readonly string[];
  /** In place of asking them. */
  readonly resolve?: Resolve;
  /** Authorities, PEM, in place of those that Node trusts. */
  readonly ca?: string;
}

export function createWebhookSender(options: WebhookSenderOptions): WebhookSender {
  const { allowedHosts, deadlines = defaultDeadlines, ca } = options;
  const names = createReceiverNames(options.nameServers);
  const limits = {
    headersTimeout: deadlines.firstByteMs,
    bodyTimeout: deadlines.firstByteMs,
    keepAliveTimeout: keepAliveMs,
    pipelining: 1,
  };
  const connect = { timeout: deadlines.connectMs, ...(ca === undefined ? {} : { ca }) };
  const guarded = new Agent({
    ...limits,
    connect: { ...connect, lookup: createVettedLookup(options.resolve ?? names.resolve) },
  });
  const trusted = new Agent({ ...limits, connect });

  const givingUp = createGivingUp();
  const places = new Map<string, Place>();
  const privileged = new Set(allowedHosts.flatMap((allowed) => allowed.split('@').slice(0, -1)));
  /** The same URL is sent to again and again. */
  const placeOf = (url: string, tenantId: string): Place => {
    // A URL has no spaces.
    const name = privileged.has(tenantId) ? `${tenantId} ${url}` : url;
    const known = places.get(name);
    if (known !== undefined) return known;
    if (places.size >= placesMax) places.clear();
    const target = vetUrl(url, hostsAllowedTo(tenantId, allowedHosts));
    const place = target.ok
      ? {
          ok: true as const,
          dispatcher: target.isVetted ? trusted : guarded,
          origin: target.url.origin,
          path: `${target.url.pathname}${target.url.search}`,
        }
      : target;
    places.set(name, place);
    return place;
  };

  return {
    send: async (webhook, signal, tenantId = '') => {
      const place = placeOf(webhook.url, tenantId);
      if (!place.ok) return { kind: 'failed', error: place.reason };
      const headers = ['user-agent', 'Docket-Webhook/1'];
      for (const [name, value] of Object.entries(webhook.headers)) headers.push(name, value);
      try {
        const { status, retryAfter, text } = await exchange(
          place.dispatcher,
          {
            origin: place.origin,
            path: place.path,
            headers,
            body: webhook.body,
            answerBytesMax: webhook.answerBytesMax ?? answerBytesMaxDefault,
            deadlineMs: deadlines.exchangeMs,
          },
          (giveUp) => givingUp(signal, giveUp),
        );
        return { kind: 'answered', status, retryAfterMs: parseRetryAfter(retryAfter, Date.now()), text };
      } catch (error) {
        return { kind: 'failed', error: error instanceof ExchangeTimeout ? 'timeout' : sendErrorOf(error) };
      }
    },
    lookups: () => names.underWay(),
    close: async () => {
      names.close();
      await Promise.all([guarded.destroy(), trusted.destroy()]);
    },
  };
}

/** One listener for all exchanges of a signal: a signal's own list is searched from its beginning for each of them. */
function createGivingUp(): (signal: AbortSignal, giveUp: () => void) => () => void {
  const underWay = new WeakMap<AbortSignal, Set<() => void>>();
  const listen = (signal: AbortSignal): Set<() => void> => {
    const all = new Set<() => void>();
    underWay.set(signal, all);
    signal.addEventListener('abort', () => all.forEach((giveUp) => giveUp()), { once: true });
    return all;
  };
  return (signal, giveUp) => {
    if (signal.aborted) {
      // Not before whoever asked has what it waits for.
      queueMicrotask(giveUp);
      return () => undefined;
    }
    const all = underWay.get(signal) ?? listen(signal);
    all.add(giveUp);
    return () => all.delete(giveUp);
  };
}

const dnsCodes = new Set([nameNotFoundCode, 'ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'ENODATA']);
const timeoutCodes = new Set([
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);

/** This file owns the wire, so here, and only here, errors are told apart by their codes. */
function sendErrorOf(error: unknown): SendError {
  const code = codeOf(error);
  if (code === addressNotAllowedCode) return 'address_not_allowed';
  if (dnsCodes.has(code)) return 'dns';
  if (timeoutCodes.has(code)) return 'timeout';
  if (code === 'ECONNREFUSED') return 'refused';
  return /TLS|SSL|CERT|SIGNATURE|EPROTO/.test(code) ? 'tls' : 'connection';
}

/** Of the error, or of the first of several: a name with two addresses fails twice. */
function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return 'errors' in error && Array.isArray(error.errors) ? codeOf(error.errors[0]) : '';
}
