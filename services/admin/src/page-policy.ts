import { DocketError } from '@docket/runtime';

/** Of the parameter `limit`. */
export const limitRange = { min: 1, max: 1000, default: 100 };

export interface PageRequest {
  readonly limit: number;
  /** Only ids above it; the empty string is the beginning. */
  readonly afterId: string;
}

export interface Page<Item> {
  readonly data: readonly Item[];
  readonly next_cursor: string | null;
}

/** Reads `limit` and `cursor`. Throws invalid_request or invalid_cursor. */
export function readPageRequest(query: Readonly<Record<string, unknown>>): PageRequest {
  const { limit, cursor } = query;
  return { limit: readLimit(limit), afterId: readCursor(cursor) };
}

/** Reads `tenant_id` of a list; undefined: of all that the caller reaches. Throws invalid_request when it is repeated. */
export function readTenantFilter(query: Readonly<Record<string, unknown>>): string | undefined {
  const { tenant_id: tenantId } = query;
  if (tenantId === undefined || typeof tenantId === 'string') return tenantId;
  throw new DocketError('invalid_request', 'A query parameter is invalid.', {
    errors: [{ parameter: 'tenant_id', detail: 'may stand once' }],
  });
}

function readLimit(text: unknown): number {
  if (text === undefined) return limitRange.default;
  const limit = typeof text === 'string' && /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= limitRange.min && limit <= limitRange.max) return limit;
  throw new DocketError('invalid_request', 'A query parameter is invalid.', {
    errors: [{ parameter: 'limit', detail: `must be a whole number from ${limitRange.min} to ${limitRange.max}` }],
  });
}

function readCursor(text: unknown): string {
  if (text === undefined) return '';
  const id = typeof text === 'string' ? Buffer.from(text, 'base64url').toString() : '';
  if (id !== '' && encodeCursor(id) === text) return id;
  throw new DocketError('invalid_cursor', 'The cursor was not made by this list.');
}

function encodeCursor(id: string): string {
  return Buffer.from(id).toString('base64url');
}

/**
 * Cuts a page out of a whole list, by id in code unit order, so that pages neither overlap nor skip while objects come and go.
 * @param shown what is told of an item; asked for those of the page alone.
 */
export function pageOf<Item extends { readonly id: string }, Shown>(
  items: readonly Item[],
  request: PageRequest,
  shown: (item: Item) => Shown,
): Page<Shown> {
  const rest = items.filter(({ id }) => id > request.afterId).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const data = rest.slice(0, request.limit);
  const last = rest.length > request.limit ? data.at(-1) : undefined;
  return { data: data.map(shown), next_cursor: last === undefined ? null : encodeCursor(last.id) };
}
