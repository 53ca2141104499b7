import type { ErrorEntry } from '@docket/runtime';
import type { ClientConfig } from './client-settings.ts';
import { entryOfProblem, messageOfProblem } from './problem-message-mapper.ts';

export type Json = Readonly<Record<string, unknown>>;

/** Calls the API as any client does. Rejects with a message for people: what failed, which fields, and what to do; ApiRefusal for an answer that says so. */
export interface ApiClient {
  get(path: string): Promise<Json>;
  /** `ifMatch`: an ETag; what has another one by now is not changed, and the message says so. */
  send(
    method: 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body?: Json,
    options?: { readonly ifMatch?: string | undefined },
  ): Promise<Json>;
  /** The ETag of what is there now. */
  etagOf(path: string): Promise<string>;
  /** The items of a paged list, at most `max`, fetched page by page as they are taken. */
  list(path: string, max: number): AsyncIterable<Json>;
  /** An answer that is not read yet. */
  open(path: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Response>;
}

/** What was asked for was not done; the message says why, for people. */
export class ApiRefusal extends Error {
  override readonly name = 'ApiRefusal';
  /** What its code means; undefined: it may be the word of something before the gateway, and of this hour. */
  readonly entry: ErrorEntry | undefined;

  constructor(status: number, text: string) {
    super(messageOfProblem(status, text));
    this.entry = entryOfProblem(text);
  }
}

/** Longer than the gateway needs to say that something is away. */
const deadlineMs = 60_000;
const pageItemsMax = 1_000;

export function createApiClient({ docketUrl, docketKey }: ClientConfig): ApiClient {
  const base = docketUrl.replace(/\/+$/, '');
  const credential = { authorization: `Bearer ${docketKey}` };

  const request = async (path: string, init: RequestInit): Promise<Response> => {
    let response: Response;
    try {
      response = await fetch(`${base}${path}`, init);
    } catch (cause) {
      throw new Error(`${base} does not answer: check DOCKET_URL, and that the gateway runs`, { cause });
    }
    if (response.ok) return response;
    throw new ApiRefusal(response.status, await response.text());
  };

  const exchange = (method: string, path: string, body?: Json, ifMatch?: string): Promise<Response> =>
    request(path, {
      method,
      signal: AbortSignal.timeout(deadlineMs),
      headers: {
        ...credential,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });

  const call = async (
    method: string,
    path: string,
    body?: Json,
    options: { readonly ifMatch?: string | undefined } = {},
  ): Promise<Json> => {
    const response = await exchange(method, path, body, options.ifMatch);
    const text = await response.text();
    return text === '' ? {} : objectOf(text);
  };

  return {
    get: (path) => call('GET', path),
    send: call,
    async etagOf(path) {
      const response = await exchange('GET', path);
      await response.arrayBuffer();
      const etag = response.headers.get('etag');
      if (etag === null) throw new Error(`${path} has no ETag`);
      return etag;
    },
    open: (path, headers, signal) => request(path, { headers: { ...credential, ...headers }, signal }),
    list: async function* (path, max) {
      const { pathname, searchParams } = new URL(path, base);
      let left = max;
      while (left > 0) {
        searchParams.set('limit', String(Math.min(left, pageItemsMax)));
        const page = await call('GET', `${pathname}?${searchParams.toString()}`);
        const items: unknown[] = Array.isArray(page['data']) ? page['data'] : [];
        for (const item of items) yield jsonOf(item);
        left -= items.length;
        const cursor = page['next_cursor'];
        if (typeof cursor !== 'string' || items.length === 0) return;
        searchParams.set('cursor', cursor);
      }
    },
  };
}

export function objectOf(text: string): Json {
  return jsonOf(JSON.parse(text));
}

/** The members of an object; nothing of anything else. */
export function jsonOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
