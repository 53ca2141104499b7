import { Agent, request } from 'undici';

import { vetUrl } from './address-policy.ts';
import type { Answer, SendError } from './outcome-policy.ts';
import { parseRetryAfter } from './retry-policy.ts';
import { addressNotAllowedCode, createVettedLookup } from './vetted-lookup.ts';
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
/** Below what common servers keep idle sockets for (nginx 75 s, Node 5 s). */
const keepAliveMs = 4_000;

export interface WebhookRequest {
  readonly url: string;
  /** With the content type. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Default 16 KiB. */
  readonly answerBytesMax?: number;
}

export interface WebhookSender {
  /** Sends one request, and never rejects: every failure is an answer. Redirects are not followed. Aborted: `connection`. */
  send(webhook: WebhookRequest, signal: AbortSignal): Promise<Answer>;
  close(): Promise<void>;
}

export interface WebhookSenderOptions {
  /** SINK_ALLOWED_HOSTS: hosts whose addresses are not judged. */
  readonly allowedHosts: readonly string[];
  /** Default: 5 s, 15 s, 30 s. */
  readonly deadlines?: Deadlines;
  /** Default: the system's resolver. */
  readonly resolve?: Resolve;
  /** Authorities, PEM, in place of those that Node trusts. */
  readonly ca?: string;
}

export function createWebhookSender(options: WebhookSenderOptions): WebhookSender {
  const { allowedHosts, deadlines = defaultDeadlines, resolve, ca } = options;
  const limits = {
    headersTimeout: deadlines.firstByteMs,
    bodyTimeout: deadlines.firstByteMs,
    keepAliveTimeout: keepAliveMs,
    pipelining: 1,
  };
  const connect = { timeout: deadlines.connectMs, ...(ca === undefined ? {} : { ca }) };
  const guarded = new Agent({ ...limits, connect: { ...connect, lookup: createVettedLookup(resolve) } });
  const trusted = new Agent({ ...limits, connect });

  const exchange = async (
    url: URL,
    dispatcher: Agent,
    webhook: WebhookRequest,
    signal: AbortSignal,
  ): Promise<Answer> => {
    const { statusCode, headers, body } = await request(url, {
      method: 'POST',
      dispatcher,
      signal,
      headers: { ...webhook.headers, 'user-agent': 'Docket-Webhook/1' },
      body: webhook.body,
    });
    const text = await readAtMost(body, webhook.answerBytesMax ?? answerBytesMaxDefault);
    const retryAfter = headers['retry-after'];
    return {
      kind: 'answered',
      status: statusCode,
      retryAfterMs: parseRetryAfter(Array.isArray(retryAfter) ? retryAfter[0] : retryAfter, Date.now()),
      text,
    };
  };

  return {
    send: async (webhook, signal) => {
      const target = vetUrl(webhook.url, allowedHosts);
      if (!target.ok) return { kind: 'failed', error: target.reason };
      const ending = new AbortController();
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        ending.abort();
      }, deadlines.exchangeMs);
      // By hand: AbortSignal.any keeps something of every request for as long as `signal` lives.
      const giveUp = (): void => ending.abort();
      if (signal.aborted) giveUp();
      signal.addEventListener('abort', giveUp, { once: true });
      try {
        return await exchange(target.url, target.isVetted ? trusted : guarded, webhook, ending.signal);
      } catch (error) {
        return { kind: 'failed', error: isLate ? 'timeout' : sendErrorOf(error) };
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
      }
    },
    close: async () => {
      await Promise.all([guarded.destroy(), trusted.destroy()]);
    },
  };
}

/** Reads up to a limit and drops the rest together with the socket: a receiver may not make us read for ever. */
async function readAtMost(body: AsyncIterable<Buffer> & { destroy(): unknown }, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= bytesMax) break;
  }
  body.destroy();
  return Buffer.concat(chunks).subarray(0, bytesMax).toString();
}

const dnsCodes = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'ENODATA']);
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
