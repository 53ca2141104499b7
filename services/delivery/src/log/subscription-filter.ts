import type { Subscription } from '@docket/directory';
import { compileSearch, parseFilter } from '@docket/event';
import type { EventMatcher } from '@docket/event';

import { withoutOwnNotices } from '../notices/notice-event-mapper.ts';

/** The predicate of a subscription's filter. */
export type Filters = (subscription: Subscription) => EventMatcher | undefined;

/**
 * The predicates of subscriptions' filters, compiled once for each version of a subscription. Throws for a filter that cannot be read, such as one of a
 * later version of the language: nothing is delivered then, and nothing skipped. Undefined without a filter: everything matches, but for what the
 * subscription is not to be told of itself, which those that a filter is for leave out here, too.
 */
export function createFilters(): Filters {
  const compiled = new WeakMap<Subscription, EventMatcher>();
  return (subscription) => {
    if ((subscription.filter ?? '') === '') return undefined;
    const known = compiled.get(subscription);
    if (known !== undefined) return known;
    const parsed = parseFilter(subscription.filter ?? '');
    if (!parsed.ok) throw new Error(`the filter of ${subscription.id} cannot be read: ${parsed.error.detail}`);
    const matches = withoutOwnNotices(subscription.id, compileSearch(parsed.search));
    compiled.set(subscription, matches);
    return matches;
  };
}
