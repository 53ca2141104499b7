import type { Search } from './search.ts';

/** Times in µs since the epoch: from `from` on, before `before`; null: no bound. */
export interface TimeRange {
  readonly from: number | null;
  readonly before: number | null;
}

const unbounded: TimeRange = { from: null, before: null };

/** A range of occurred_at outside of which a search matches nothing: the narrowest that its terms give. */
export function timeRangeOf(search: Search): TimeRange {
  switch (search.kind) {
    case 'and':
      return search.terms.map(timeRangeOf).reduce(intersection, unbounded);
    case 'or':
      return search.terms.map(timeRangeOf).reduce(hull);
    case 'range':
      return search.field === 'occurred_at' ? search : unbounded;
    case 'every':
    case 'not':
    case 'words':
    case 'is':
    case 'prefix':
    case 'present':
      return unbounded;
  }
}

function intersection(left: TimeRange, right: TimeRange): TimeRange {
  return {
    from: either(left.from, right.from, Math.max),
    before: either(left.before, right.before, Math.min),
  };
}

function hull(left: TimeRange, right: TimeRange): TimeRange {
  return {
    from: left.from === null || right.from === null ? null : Math.min(left.from, right.from),
    before: left.before === null || right.before === null ? null : Math.max(left.before, right.before),
  };
}

function either(left: number | null, right: number | null, choose: (a: number, b: number) => number): number | null {
  if (left === null || right === null) return left ?? right;
  return choose(left, right);
}
