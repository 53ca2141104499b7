import type { Answer } from './retry-policy.ts';

export interface Posted {
  answer: Answer;
  /** Positions in the request of events that an accepting answer put aside, with the reason. */
  putAside: { index: number; detail: string }[];
}

export type PostEvents = (texts: readonly string[], stopped: AbortSignal) => Promise<Posted>;

/** An answer is read up to here; it is a short JSON document. */
const answerBytesMax = 1024 * 1024;
const detailCharsMax = 1024;

/**
 * Sends events, each a JSON text, in one `POST /v1/events`. Never rejects: no answer within `requestTimeoutMs`, a reset
 * or an abort is `no_answer`. Asks for lenient handling, so that one invalid event does not hold up its neighbours.
 */
export function createPostEvents(options: { url: string; key: string; requestTimeoutMs: number }): PostEvents {
  const endpoint = new URL('v1/events', options.url.endsWith('/') ? options.url : `${options.url}/`);
  const headers = {
    authorization: `Bearer ${options.key}`,
    'content-type': 'application/json',
    prefer: 'handling=lenient',
  };
  return async (texts, stopped) => {
    // Not AbortSignal.any: its listeners on a signal that lives as long as the process are kept too long.
    const request = new AbortController();
    const abort = (): void => request.abort(new Error('stopped'));
    const timeOut = (): void => request.abort(new Error(`no answer within ${options.requestTimeoutMs} ms`));
    const timer = setTimeout(timeOut, options.requestTimeoutMs);
    stopped.addEventListener('abort', abort, { once: true });
    try {
      const response = await fetch(endpoint, {
        method: 'POST',
        headers,
        body: `{"events":[${texts.join(',')}]}`,
        redirect: 'manual',
        signal: request.signal,
      });
      const body = parsed(await readBounded(response));
      const retryAfter = response.headers.get('retry-after') ?? undefined;
      const { status } = response;
      const code = textField(body, 'code');
      const namesEachEvent = listField(body, 'results').length === texts.length;
      const detail = detailOf(status, body);
      return {
        answer: { kind: 'answered', status, code, namesEachEvent, retryAfter, detail },
        putAside: putAsideOf(body),
      };
    } catch (error) {
      return { answer: { kind: 'no_answer', detail: reasonOf(error) }, putAside: [] };
    } finally {
      clearTimeout(timer);
      stopped.removeEventListener('abort', abort);
    }
  };
}

async function readBounded(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > answerBytesMax) throw new Error(`the answer is longer than ${answerBytesMax} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
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

function putAsideOf(body: unknown): Posted['putAside'] {
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

/** fetch says only "fetch failed"; the reason is in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
