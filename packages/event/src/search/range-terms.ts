import { microsOfRfc3339 } from '../occurred-at.ts';
import type { RangeField } from './search-fields.ts';
import type { Search } from './search.ts';
import { wrong, type Comparison, type TermResult, type WrittenValue } from './written-value.ts';

/** Bounds beyond it are as good as none: no event has such a time or seq, and arithmetic on them stays exact. */
const boundMax = Number.MAX_SAFE_INTEGER - 1;
/** ClickHouse's DateTime64 begins in 1900. */
const earliestMicros = Date.UTC(1900, 0, 1) * 1_000;

const fixedForm = 'is an RFC 3339 time with an offset, such as 2026-11-23T09:00:00Z';

function timeForms(nowMicros: number | null): string {
  if (nowMicros === null) return `${fixedForm}; a relative one has no meaning here`;
  return `${fixedForm}, or relative, such as -7d, -24h or -30m`;
}

const unitMicros: Readonly<Record<string, number>> = {
  s: 1_000_000,
  m: 60_000_000,
  h: 3_600_000_000,
  d: 86_400_000_000,
  w: 604_800_000_000,
};

/** µs since the epoch; beyond the year 2255 it is that year. */
function microsOf(text: string, nowMicros: number | null): number | null {
  const relative = /^-(\d{1,6})([smhdw])$/.exec(text);
  if (relative === null) {
    const micros = microsOfRfc3339(text);
    return micros === null ? null : Math.min(micros, boundMax);
  }
  if (nowMicros === null) return null;
  const [, count = '', unit = ''] = relative;
  return Math.max(nowMicros - Number(count) * (unitMicros[unit] ?? 0), earliestMicros);
}

/** since:T and until:T. */
export function boundTerm(field: 'since' | 'until', value: WrittenValue, nowMicros: number | null): TermResult {
  const micros = value.isPrefix || value.comparison !== null ? null : microsOf(value.text, nowMicros);
  if (micros === null) return wrong(timeForms(nowMicros));
  return range('occurred_at', field === 'since' ? micros : null, field === 'until' ? micros : null);
}

/** occurred_at and received_at: a time, a comparison with one, or first..last. */
export function timeTerm(field: RangeField, value: WrittenValue, nowMicros: number | null): TermResult {
  return orderedTerm(field, value, (text) => microsOf(text, nowMicros), timeForms(nowMicros));
}

export function seqTerm(value: WrittenValue): TermResult {
  const numberOf = (text: string): number | null => (/^\d{1,20}$/.test(text) ? Math.min(Number(text), boundMax) : null);
  return orderedTerm('seq', value, numberOf, 'is a whole number, such as 100, >=100 or 100..199');
}

function orderedTerm(
  field: RangeField,
  { text, isPrefix, comparison }: WrittenValue,
  read: (text: string) => number | null,
  forms: string,
): TermResult {
  if (isPrefix) return wrong(forms);
  const dots = text.indexOf('..');
  const first = read(dots < 0 ? text : text.slice(0, dots));
  const last = dots < 0 ? first : read(text.slice(dots + 2));
  if (first === null || last === null) return wrong(forms);
  if (dots >= 0) {
    if (comparison !== null) return wrong(`takes either ${comparison} or first..last`);
    return last < first ? wrong('ends before it begins') : range(field, first, last + 1);
  }
  return compared(field, comparison, first);
}

function compared(field: RangeField, comparison: Comparison | null, value: number): TermResult {
  switch (comparison) {
    case null:
      return range(field, value, value + 1);
    case '>=':
      return range(field, value, null);
    case '>':
      return range(field, value + 1, null);
    case '<':
      return range(field, null, value);
    case '<=':
      return range(field, null, value + 1);
  }
}

function range(field: RangeField, from: number | null, before: number | null): TermResult {
  const term: Search = {
    kind: 'range',
    field,
    from: from === null ? null : Math.min(from, boundMax),
    before: before === null || before > boundMax ? null : before,
  };
  return { ok: true, term };
}
