import type { AnswerCheck } from './answer-check.ts';

const ownPath = /^\/(?:v1\/|healthz$|readyz$|metrics$|openapi\.json$|docs(?:\/|$))/;
const jsonType = /^application\/(?:problem\+)?json\b/;

/**
 * A fetch that rejects when a service of ours gives an answer that its OpenAPI document does not declare: another status, content type or member. Ours
 * are the answers with an X-Request-Id under our paths. Bodies that are not JSON are left to stream.
 */
export function checkedFetch(send: typeof fetch, check: AnswerCheck): typeof fetch {
  return async (input, init) => {
    const response = await send(input, init);
    const { pathname } = new URL(response.url);
    if (!ownPath.test(pathname) || !response.headers.has('x-request-id')) return response;
    const method = init?.method ?? (input instanceof Request ? input.method : 'GET');
    const contentType = response.headers.get('content-type');
    const text = await textOf(response, contentType);
    const undeclared = check({
      method: method.toUpperCase(),
      path: pathname,
      status: response.status,
      contentType,
      text,
    });
    if (undeclared !== undefined) throw new Error(`${method} ${pathname} ${undeclared}`);
    return response;
  };
}

/** A body that breaks off is for whoever reads it. */
async function textOf(response: Response, contentType: string | null): Promise<string | undefined> {
  if (contentType === null || !jsonType.test(contentType)) return undefined;
  try {
    return await response.clone().text();
  } catch {
    return undefined;
  }
}
