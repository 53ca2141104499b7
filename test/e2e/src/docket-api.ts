import { checkedFetch, createAnswerCheck } from '@docket/testkit';

/** One event as the API shows it: what this program relies on, declared here and not taken from the code under test. */
export interface ShownEvent {
  id: string;
  seq: number;
  tenant_id: string;
  status?: string;
  occurred_at: string;
  received_at: string;
  action: string;
  outcome: string;
  actor: { type: string; id: string };
  on_behalf_of?: { id: string };
  resources?: { type: string; id: string }[];
  context?: { ip?: string; user_agent?: string; session_id?: string; request_id?: string };
}

export interface ApiAnswer {
  status: number;
  body: unknown;
}

/** The public API through the gateway, with one credential. */
export interface DocketApi {
  /** Any call; the answer whatever its status. */
  call(method: string, path: string, body?: unknown): Promise<ApiAnswer>;
  /** A call that must succeed. Rejects naming status and body otherwise. */
  must<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** Every event of a search, page after page. */
  search(parameters: Record<string, string>): Promise<ShownEvent[]>;
}

/** Longer than any answer takes on a busy machine; a call that hangs fails its check. */
const callTimeoutMs = 30_000;
const pagesMax = 1000;

const send = checkedFetch(fetch, createAnswerCheck());

export function createDocketApi(url: string, token: string): DocketApi {
  async function call(method: string, path: string, body?: unknown): Promise<ApiAnswer> {
    const response = await send(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(callTimeoutMs),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  }

  async function must<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await call(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    // The border of this program: what the service answers is checked by what the checks compare.
    return answer.body as T;
  }

  return {
    call,
    must,
    async search(parameters) {
      const events: ShownEvent[] = [];
      let cursor: string | null = null;
      for (let page = 0; page < pagesMax; page += 1) {
        const query: URLSearchParams = new URLSearchParams({
          limit: '1000',
          ...parameters,
          ...(cursor !== null && { cursor }),
        });
        const answer: { data: ShownEvent[]; next_cursor: string | null } = await must(
          'GET',
          `/v1/events?${query.toString()}`,
        );
        events.push(...answer.data);
        cursor = answer.next_cursor;
        if (cursor === null) return events;
      }
      throw new Error(`more than ${pagesMax} pages for ${JSON.stringify(parameters)}`);
    },
  };
}
