import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { reasonOf } from './error-fields.ts';
import { createPost } from './http-post.ts';
import { type Answer, isUnsignedRefusal, retryAfterMs, signedCode, verdictByProbe, verdictOf } from './retry-policy.ts';
import type { PutAside, Sent, Transport } from './transport.ts';

export interface HttpTransportOptions {
  url: string;
  key: string;
  requestTimeoutMs: number;
}

const detailCharsMax = 1024;
/** Below this, gzip saves less than it costs. */
const gzipBytesMin = 1024;
/** With one, events could meet the wrong one of a balancer's two servers each time, and the probe the right one. */
const probesMax = 2;

const compressed = promisify(gzip);

interface Posted {
  readonly answer: Answer;
  readonly sent: Sent;
  readonly isCompressed: boolean;
}

/**
 * Sends events in one `POST /v1/events`, compressed. No answer within `requestTimeoutMs`, a reset or an abort is `retry`.
 * Asks for lenient handling, so that one invalid event does not hold up its neighbours. A refusal that may not be the gateway's is looked into by
 * further requests.
 */
export function createHttpTransport(options: HttpTransportOptions): Transport {
  const endpoint = new URL('v1/events', options.url.endsWith('/') ? options.url : `${options.url}/`);
  const headers = {
    authorization: `Bearer ${options.key}`,
    'content-type': 'application/json',
    prefer: 'handling=lenient',
  };

  const poster = createPost(endpoint);

  async function post(texts: readonly string[], signal: AbortSignal, isProbeOfCompressed = false): Promise<Posted> {
    const plain = `{"events":[${texts.join(',')}]}`;
    const isCompressed = isProbeOfCompressed || plain.length >= gzipBytesMin;
    const response = await poster.send(
      isCompressed ? { ...headers, 'content-encoding': 'gzip' } : headers,
      // The fastest level: most of what it saves lies in names that repeat, which every level finds.
      isCompressed ? await compressed(plain, { level: 1 }) : plain,
      signal,
    );
    const body = parsed(response.text);
    const { status, retryAfter } = response;
    const answer: Answer = {
      status,
      code: signedCode(textField(body, 'type'), textField(body, 'code')),
      namesEachEvent: listField(body, 'results').length === texts.length,
      detail: detailOf(status, body),
    };
    const told = { retryAfterMs: retryAfterMs(retryAfter, Date.now()), tenantsOf: overQuota(answer, body) };
    return { answer, isCompressed, sent: sentOf(answer, told, putAsideOf(body)) };
  }

  async function ask(texts: readonly string[], signal: AbortSignal): Promise<Sent> {
    const { answer, isCompressed, sent } = await post(texts, signal);
    if (!isUnsignedRefusal(answer)) return sent;
    for (let probes = 0; probes < probesMax; probes += 1) {
      // In the same form: where that is what is disliked, the events are not to blame.
      const probe = await post([], signal, isCompressed);
      const verdict = verdictByProbe(probe.answer);
      if (verdict !== 'refused') return { verdict, detail: answer.detail };
    }
    return { verdict: 'refused', detail: answer.detail, isUnsigned: true };
  }

  return {
    destination: endpoint.href,
    close: async () => poster.close(),
    async send(texts, stopped) {
      // Not AbortSignal.any: its listeners on a signal that lives as long as the process are kept too long.
      const request = new AbortController();
      const abort = (): void => request.abort(new Error('stopped'));
      const timeOut = (): void => request.abort(new Error(`no answer within ${options.requestTimeoutMs} ms`));
      const timer = setTimeout(timeOut, options.requestTimeoutMs);
      stopped.addEventListener('abort', abort, { once: true });
      try {
        return await ask(texts, request.signal);
      } catch (error) {
        return { verdict: 'retry', detail: reasonOf(request.signal.aborted ? request.signal.reason : error) };
      } finally {
        clearTimeout(timer);
        stopped.removeEventListener('abort', abort);
      }
    },
  };
}

function sentOf(
  answer: Answer,
  told: { retryAfterMs: number; tenantsOf: readonly number[] | undefined },
  putAside: PutAside[],
): Sent {
  const verdict = verdictOf(answer);
  if (verdict === 'accepted') return { verdict, putAside };
  return verdict === 'retry' ? { verdict, detail: answer.detail, ...told } : { verdict, detail: answer.detail };
}

/** Of a 429 for the quota of tenants: an event of each. Undefined when it is not, or not only, about tenants. */
function overQuota({ status, code }: Answer, body: unknown): readonly number[] | undefined {
  if (status !== 429 || code !== 'rate_limited') return undefined;
  const indexes = listField(body, 'errors').map((error) =>
    Number(/^\/events\/(\d+)\/tenant_id$/.exec(textField(error, 'pointer') ?? '')?.[1]),
  );
  return indexes.length > 0 && indexes.every((index) => Number.isInteger(index)) ? indexes : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** From RFC 9457 problem+json: its code, its detail and the first errors. */
function detailOf(status: number, body: unknown): string {
  const parts = [`HTTP ${status}`, textField(body, 'code'), textField(body, 'detail')];
  for (const error of listField(body, 'errors').slice(0, 5)) {
    parts.push(`${textField(error, 'pointer') ?? ''} ${textField(error, 'detail') ?? ''}`.trim());
  }
  return parts
    .filter((part) => part !== undefined && part !== '')
    .join('; ')
    .slice(0, detailCharsMax);
}

function putAsideOf(body: unknown): PutAside[] {
  return listField(body, 'results').flatMap((result, index) => {
    const status = textField(result, 'status');
    if (status === undefined || status === 'published') return [];
    return [
      { index, detail: `${status}; ${detailOf(202, result).replace(/^HTTP 202;? ?/, '')}`.slice(0, detailCharsMax) },
    ];
  });
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function textField(value: unknown, name: string): string | undefined {
  const text = field(value, name);
  return typeof text === 'string' ? text : undefined;
}

function listField(value: unknown, name: string): unknown[] {
  const list = field(value, name);
  return Array.isArray(list) ? list : [];
}
