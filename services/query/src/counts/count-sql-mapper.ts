import { createBinder, scopedConditions, shownValueSql, type Statement } from '@docket/clickhouse';
import { isResourceField, listSearchFields, type ScopedSearch, type ValueField } from '@docket/event';
import type { FacetsAnswer } from '../answer-schemas.ts';
import type { GroupField, HistogramPlan } from './histogram-mapper.ts';

/** What `shownValueSql` gives of a field that the view hides. */
const nothingShown = "''";
/** Values that a histogram tells apart; the rest is counted together. */
const groupValuesMax = 10;
/** Fields that have no more values than that, an absent one with them: which are frequent needs no look at the log. */
const closedFields: ReadonlySet<string> = new Set(
  listSearchFields()
    .filter(({ choices }) => choices !== undefined && choices.length < groupValuesMax)
    .map(({ name }) => name),
);

export interface HistogramQuery {
  /** Holds only of events in the range of the plan. */
  readonly search: ScopedSearch;
  readonly plan: HistogramPlan;
  readonly by: GroupField | null;
}

/** Events for each bucket that has some, by the most frequent values of a field: rows of HistogramRow. */
export function histogramStatement({ search, plan, by }: HistogramQuery): Statement {
  const binder = createBinder();
  const where = scopedConditions(search, binder).join('\n  AND ');
  const [first, width] = [binder.bind('Int64', plan.firstMicros), binder.bind('Int64', plan.intervalMicros)];
  const bucket = `toUInt32(intDiv(toUnixTimestamp64Micro(occurred_at) - ${first}, ${width}))`;
  const field = by === null ? "''" : shownValueSql(search, by, binder);
  const value =
    by === null || closedFields.has(by)
      ? field
      : `if(${field} IN (
  SELECT ${field} AS frequent_value FROM audit_events WHERE ${where}
  GROUP BY frequent_value HAVING frequent_value != '' ORDER BY count() DESC, frequent_value LIMIT ${groupValuesMax}
), ${field}, '')`;
  const sql = `SELECT ${bucket} AS bucket, ${value} AS counted_value, count() AS events FROM audit_events
WHERE ${where}
GROUP BY bucket, counted_value`;
  return { sql, params: binder.params };
}

export interface FacetsQuery {
  readonly search: ScopedSearch;
  readonly fields: readonly ValueField[];
  /** Values of each field. */
  readonly limit: number;
}

/** A value of the field at place `facet` of the query and the events that have it; facet −1: all events. */
export interface FacetRow {
  readonly facet: number;
  readonly counted_value: string;
  readonly events: number;
}

/**
 * The most frequent values of each field, and one more than `limit` where there are more. All that has one value a row is counted in one
 * pass; a resource field, of which a row may have several, makes rows of them and needs a pass of its own.
 */
export function facetsStatement({ search, fields, limit }: FacetsQuery): Statement {
  const binder = createBinder();
  const where = scopedConditions(search, binder).join('\n  AND ');
  const rowsMax = binder.bind('UInt64', limit + 1);
  const facets = fields
    .map((field, index) => ({ field, index, value: shownValueSql(search, field, binder) }))
    .filter(({ value }) => value !== nothingShown);
  const single = facets.filter(({ field }) => !isResourceField(field));
  const several = facets.filter(({ field }) => isResourceField(field));
  const passes = several.map(
    ({ index, value }) => `SELECT toInt8(${index}) AS facet, counted_value, events FROM (
  SELECT ${value} AS counted_value, count() AS events FROM audit_events
  WHERE ${where}
  GROUP BY counted_value HAVING counted_value != '' ORDER BY events DESC, counted_value LIMIT ${rowsMax}
)`,
  );
  return { sql: [onePassSql(single, where, rowsMax), ...passes].join('\nUNION ALL\n'), params: binder.params };
}

interface Facet {
  readonly index: number;
  /** An expression over a row. */
  readonly value: string;
}

/** Counts all rows, and the values of any number of facets beside. */
function onePassSql(facets: readonly Facet[], where: string, rowsMax: string): string {
  const all = `SELECT toInt8(-1) AS facet, '' AS counted_value, count() AS events FROM audit_events WHERE ${where}`;
  if (facets.length === 0) return all;
  const keys = facets.map(({ index }) => `value_${index}`);
  const selected = facets.map(({ index, value }) => `${value} AS value_${index}`).join(', ');
  const whichOf = (then: (facet: Facet) => string, otherwise: string): string =>
    `multiIf(${facets.map((facet) => `grouping(value_${facet.index}) = 0, ${then(facet)}`).join(', ')}, ${otherwise})`;
  return `SELECT facet, counted_value, events FROM (
  SELECT toInt8(${whichOf(({ index }) => String(index), '-1')}) AS facet,
    ${whichOf(({ index }) => `toString(value_${index})`, "''")} AS counted_value, count() AS events
  FROM (SELECT ${selected} FROM audit_events WHERE ${where})
  GROUP BY GROUPING SETS (${keys.map((key) => `(${key})`).join(', ')}, ())
)
WHERE facet = -1 OR counted_value != ''
ORDER BY events DESC, counted_value LIMIT ${rowsMax} BY facet`;
}

export function facetsAnswer({ fields, limit }: FacetsQuery, rows: readonly FacetRow[]): FacetsAnswer {
  const facets = fields.map((field, index) => {
    const values = rows
      .filter(({ facet }) => facet === index)
      .toSorted((a, b) => b.events - a.events || (a.counted_value < b.counted_value ? -1 : 1))
      .map(({ counted_value: value, events }) => ({ value, count: events }));
    return [field, { values: values.slice(0, limit), has_more: values.length > limit }] as const;
  });
  return { total: rows.find(({ facet }) => facet === -1)?.events ?? 0, facets: Object.fromEntries(facets) };
}
