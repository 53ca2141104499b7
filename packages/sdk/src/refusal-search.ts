import type { Entry } from './spool/entry.ts';

/** In which events go one behind the other: undefined for what nobody has seen yet, or the tenant of whom it is held back. */
export type Row = string | undefined;

/** How the event that is refused is found. Each row is searched for itself: what becomes of one says nothing of another. */
export interface RefusalSearch {
  /** Of the next request of the row. */
  eventsMax(row: Row): number;
  /** So many were refused together: the next request takes half of them. */
  halve(row: Row, events: number): void;
  /** Something that may not be the receiver has refused this event, which went alone. Gives how often it has. */
  doubt(row: Row, entry: Entry): number;
  /** The receiver has taken these: the next request may take more. */
  taken(row: Row, entries: readonly Entry[]): void;
  /** The refused event was alone, and is given up. */
  found(row: Row): void;
  /** There is nothing in the row any more. */
  forget(row: Row): void;
}

interface Progress {
  readonly eventsMax: number;
  readonly doubted?: { readonly text: string; readonly times: number } | undefined;
}

/** Bounded by its callers: a row that is searched has at least one event in the spool. */
export function createRefusalSearch(fullBatch: number): RefusalSearch {
  const whole: Progress = { eventsMax: fullBatch };
  /** A row of which nothing is refused is not in it. */
  const rows = new Map<Row, Progress>();
  const progressOf = (row: Row): Progress => rows.get(row) ?? whole;

  return {
    eventsMax: (row) => progressOf(row).eventsMax,
    halve: (row, events) => void rows.set(row, { ...progressOf(row), eventsMax: Math.ceil(events / 2) }),
    doubt(row, { text }) {
      const { eventsMax, doubted } = progressOf(row);
      const times = doubted?.text === text ? doubted.times + 1 : 1;
      rows.set(row, { eventsMax, doubted: { text, times } });
      return times;
    },
    taken(row, entries) {
      const before = rows.get(row);
      if (before === undefined) return;
      const eventsMax = Math.min(before.eventsMax * 2, fullBatch);
      const isSettled = entries.some(({ text }) => text === before.doubted?.text);
      const doubted = isSettled ? undefined : before.doubted;
      if (eventsMax === fullBatch && doubted === undefined) rows.delete(row);
      else rows.set(row, { eventsMax, doubted });
    },
    found: (row) => void rows.set(row, { eventsMax: progressOf(row).eventsMax }),
    forget: (row) => void rows.delete(row),
  };
}
