import type { EventStatus, LogRecord } from '@docket/event';
import { partitions, tenants, windowRecords, type Meaning } from './events.ts';
import type { ModelRow } from './sim-part.ts';

/** What a data record must become. */
interface Truth {
  readonly offset: number;
  readonly receivedAtMs: number;
  readonly log: string;
  readonly seq: number;
  readonly id: string;
  readonly content: number;
  /** Its event takes an id for itself: later ones are duplicates or conflicts. */
  readonly isAccepted: boolean;
  readonly statuses: readonly EventStatus[];
  readonly meaning: Meaning;
}

interface Expected {
  readonly truths: Truth[];
  /** How many of them are stored: the prefix. */
  stored: number;
  /** The same offsets hold other records now: not a row may follow. */
  isRecreated: boolean;
}

/** A promise that was broken. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/**
 * Knows what must be stored, from what the producers meant: by definition, with lists that are walked, and without the code
 * that it judges. Its rules are those of `docket verify`.
 */
export interface Oracle {
  appended(record: LogRecord, meaning: Meaning): void;
  rerouted(meaning: Meaning): void;
  recreated(partition: number): void;
  /** An operator removed the rows from this offset on. */
  cut(partition: number, fromOffset: number): void;
  /** Checks the rows that became visible in one step: I2, I3, I4. Throws a Violation. */
  check(rows: readonly ModelRow[]): void;
  /** Checks the whole table at the end. Throws a Violation. */
  checkAll(rows: readonly ModelRow[]): void;
  /** Data records that are to be stored and are not. */
  missing(partition: number): number;
  /** The offset after the last stored record. */
  position(partition: number): number;
  /** Throws a Violation unless something is lost: a log start behind the position, or a recreated topic. */
  checkStopped(partition: number, logStart: number, detail: string): void;
  readonly storedRows: () => number;
}

export function createOracle(): Oracle {
  const expected: Expected[] = Array.from({ length: partitions }, () => ({
    truths: [],
    stored: 0,
    isRecreated: false,
  }));
  const rerouted = new Set<Meaning>();
  let storedRows = 0;

  const of = (partition: number): Expected => {
    const found = expected[partition];
    if (found === undefined) throw new Violation(`a row of partition ${partition}, which does not exist`);
    return found;
  };

  const positionOf = ({ truths, stored }: Expected): number => (truths[stored - 1]?.offset ?? -1) + 1;

  function checkRow(truth: Truth, row: ModelRow): void {
    const place = `partition ${row.src_partition}, offset ${truth.offset}`;
    if (row.tenant_id !== truth.log || row.seq !== truth.seq)
      throw new Violation(`I3: ${place} is ${row.tenant_id}/${row.seq}, must be ${truth.log}/${truth.seq}`);
    if (!truth.statuses.includes(row.status))
      throw new Violation(`I2: ${place} is ${row.status}, must be ${truth.statuses.join(' or ')}`);
    if (row.status === 'rerouted' && !rerouted.has(truth.meaning))
      throw new Violation(`I2: ${place} is rerouted, but was not published again`);
  }

  return {
    storedRows: () => storedRows,
    appended(record, meaning) {
      const { truths, isRecreated } = of(record.partition);
      if (!isRecreated) truths.push(truthOf(truths, record, meaning));
    },
    rerouted: (meaning) => void rerouted.add(meaning),
    recreated(partition) {
      of(partition).isRecreated = true;
    },
    cut(partition, fromOffset) {
      const found = of(partition);
      while (found.stored > 0 && (found.truths[found.stored - 1]?.offset ?? 0) >= fromOffset) found.stored -= 1;
    },
    check(rows) {
      const inOrder = rows.length > 1 ? [...rows].sort((a, b) => a.src_offset - b.src_offset) : rows;
      for (const row of inOrder) {
        const found = of(row.src_partition);
        const truth = found.truths[found.stored];
        const place = `partition ${row.src_partition}, offset ${row.src_offset}`;
        if (row.src_offset < positionOf(found)) throw new Violation(`I2: ${place} is stored twice`);
        if (truth === undefined) throw new Violation(`I4: ${place} is stored, but the log has no such record`);
        if (row.src_offset !== truth.offset)
          throw new Violation(`I4: ${place} is stored, but offset ${truth.offset} is not`);
        if (row.received_at !== truth.receivedAtMs) throw new Violation(`I4: ${place} is another topic's`);
        checkRow(truth, row);
        found.stored += 1;
        storedRows += 1;
      }
    },
    checkAll(rows) {
      const byPartition = new Map<number, ModelRow[]>();
      for (const row of rows) {
        const list = byPartition.get(row.src_partition) ?? [];
        list.push(row);
        byPartition.set(row.src_partition, list);
      }
      expected.forEach(({ truths, stored }, partition) => {
        const list = (byPartition.get(partition) ?? []).sort((a, b) => a.src_offset - b.src_offset);
        if (list.length !== stored)
          throw new Violation(`I2: partition ${partition} has ${list.length} rows, not ${stored}`);
        list.forEach((row, index) => {
          const truth = truths[index];
          if (truth === undefined || truth.offset !== row.src_offset)
            throw new Violation(
              `I4: partition ${partition} has offset ${row.src_offset} where ${truth?.offset} must be`,
            );
          checkRow(truth, row);
        });
      });
    },
    missing(partition) {
      const { truths, stored, isRecreated } = of(partition);
      return isRecreated ? 0 : truths.length - stored;
    },
    position: (partition) => positionOf(of(partition)),
    checkStopped(partition, logStart, detail) {
      const found = of(partition);
      if (found.isRecreated || logStart > positionOf(found)) return;
      throw new Violation(`partition ${partition} was stopped for no reason: ${detail}`);
    },
  };
}

/** The definitions of docs/architecture.md, word by word. */
function truthOf(truths: readonly Truth[], record: LogRecord, meaning: Meaning): Truth {
  const { partition, offset, timestampMs: receivedAtMs, key } = record;
  const name = key?.toString() ?? '';
  const isHome = tenants.some((tenant) => tenant.name === name && tenant.home === partition);
  const log = isHome ? name : `!p${partition}`;
  let seq = 1;
  for (const earlier of truths) if (earlier.log === log) seq += 1;
  const truth = {
    offset,
    receivedAtMs,
    log,
    seq,
    id: meaning.id,
    content: meaning.content,
    isAccepted: false,
    meaning,
  };
  if (meaning.kind === 'unreadable') return { ...truth, statuses: ['quarantined'] };
  if (!isHome) return { ...truth, statuses: meaning.hasLateSchema ? ['rerouted', 'quarantined'] : ['rerouted'] };
  if (meaning.tenant !== log) return { ...truth, statuses: ['quarantined'] };
  if (meaning.hasLateSchema) return { ...truth, statuses: ['accepted', 'duplicate', 'quarantined'] };
  // What ClickHouse refuses is no accepted event, so nothing repeats it.
  if (meaning.isPoison) return { ...truth, statuses: ['quarantined'] };
  const first = truths
    .slice(-windowRecords)
    .find((earlier) => earlier.isAccepted && earlier.log === log && earlier.id === meaning.id);
  const judged = first === undefined ? 'accepted' : first.content === meaning.content ? 'duplicate' : 'conflict';
  return { ...truth, isAccepted: first === undefined, statuses: [judged] };
}
