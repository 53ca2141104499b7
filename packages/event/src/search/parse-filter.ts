import { parseSearch, type ParsedSearch } from './parse-search.ts';

/**
 * The meaning of a subscription's filter: the search language without what has no fixed answer for a record of the log. Relative times would let the
 * same batch hold other events when it is made again; a status is only known once the index has the record, and the tail does not wait for that.
 */
export function parseFilter(text: string): ParsedSearch {
  return parseSearch(text, { nowMicros: null, statuses: [] });
}
