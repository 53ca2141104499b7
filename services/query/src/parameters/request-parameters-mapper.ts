import { nearestName, searchUnitsMax } from '@docket/event';
import type { ErrorItem } from '@docket/runtime';

/** Values of one parameter that a request may repeat: OR stays readable, and the SQL bounded. */
const valuesMax = 50;
/** q is the longest value; what an event can have is at most half of it. One more lets the parser say what is wrong with q. */
const valueCharactersMax = searchUnitsMax + 1;

/** Who has so many wrong names is told of no more: finding the nearest one of thousands holds up everybody (I7). */
const errorsMax = 20;

/** The parameters of a request's query string. Reading one that is wrong notes an error and gives nothing. */
export interface RequestParameters {
  readonly errors: readonly ErrorItem[];
  names(): readonly string[];
  /** All values; the empty string counts as absent. */
  all(name: string): readonly string[];
  /** The value of a parameter that may stand once. */
  one(name: string): string | undefined;
  /** A whole number in the declared range, or the default when absent. */
  integer<Default>(declared: {
    readonly name: string;
    readonly min: number;
    readonly max: number;
    readonly default: Default;
  }): number | Default;
  /** `place`: where in the value. */
  fail(name: string, detail: string, place?: { readonly position: number; readonly length: number }): void;
}

/** Reads a query string. Names outside `known` (and outside what `isKnown` allows) are errors, with the nearest known name; 20 of them are told. */
export function requestParameters(
  search: URLSearchParams,
  known: readonly string[],
  isKnown: (name: string) => boolean = () => false,
): RequestParameters {
  const values = new Map<string, string[]>();
  const errors: ErrorItem[] = [];
  const fail: RequestParameters['fail'] = (parameter, detail, place) =>
    void errors.push({ parameter, detail, ...place });

  for (const [name, value] of search) {
    const given = values.get(name) ?? [];
    if (value !== '') given.push(value);
    values.set(name, given);
  }
  for (const [name, given] of values) {
    if (errors.length >= errorsMax) break;
    const shown = name.slice(0, 64);
    if (!known.includes(name) && !isKnown(name)) {
      const nearest = nearestName(shown, known);
      fail(shown, `is not a parameter here${nearest === null ? '' : `; did you mean ${nearest}?`}`);
    } else if (given.length > valuesMax) {
      fail(shown, `has ${given.length} values; at most ${valuesMax} are allowed`);
    } else if (given.some((value) => value.length > valueCharactersMax)) {
      fail(shown, `has a value of more than ${valueCharactersMax} characters`);
    }
  }

  const all = (name: string): readonly string[] => values.get(name) ?? [];
  const one = (name: string): string | undefined => {
    const [first, ...others] = all(name);
    if (others.length > 0) fail(name, 'may stand once');
    return first;
  };
  return {
    errors,
    names: () => [...values.keys()],
    all,
    one,
    integer({ name, ...range }) {
      const text = one(name);
      if (text === undefined) return range.default;
      const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
      if (value >= range.min && value <= range.max) return value;
      fail(name, `is a whole number from ${range.min} to ${range.max}`);
      return range.default;
    },
    fail,
  };
}
