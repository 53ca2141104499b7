import type { PartitionHeads } from '@docket/clickhouse';
import type { RowText } from '../verify/compare-rows-policy.ts';
import type { HeadBelow, WalkedRecord } from '../verify/walk-records.ts';

/** Rows of one log that its partition's table lacks. */
export interface MissingRows {
  readonly log: string;
  readonly rows: number;
  readonly fromSeq: number;
  readonly toSeq: number;
}

/** Seqs whose rows ClickHouse lacks and whose records Kafka no longer has: for ever, unless a backup has them. */
export interface GoneSeqs {
  readonly log: string;
  readonly fromSeq: number;
  readonly toSeq: number;
  /** Of the row before them; −1 when there is none. There were at least as many offsets behind it. */
  readonly afterOffset: number;
}

export interface Missing {
  readonly missing: readonly MissingRows[];
  readonly gone: readonly GoneSeqs[];
  /** Logs whose rows contradict the records otherwise; nothing is put into them. By log: why. */
  readonly contradictions: ReadonlyMap<string, string>;
  /** By log: how many seqs are gone just before the first record that Kafka holds. The log's seqs are so much higher. */
  readonly shifts: ReadonlyMap<string, number>;
}

interface LogTally {
  /** Of the first stored row, its seq against the recomputed one. */
  shift: number | null;
  /** Of the last record, recomputed. */
  lastSeq: number;
  rows: number;
  fromSeq: number;
  toSeq: number;
}

/** Collects what a walk over a partition's records finds missing. Holds a few numbers for each log. */
export interface MissingTally {
  add(records: readonly WalkedRecord[], stored: readonly RowText[]): void;
  /** `below`: where each log stood before the walk; `gaps`: what is missing among the rows before the walk. */
  result(heads: PartitionHeads, below: readonly HeadBelow[], gaps: readonly GoneSeqs[]): Missing;
}

export function createMissingTally(): MissingTally {
  const logs = new Map<string, LogTally>();
  const contradictions = new Map<string, string>();

  function tallyOf(log: string): LogTally {
    const known = logs.get(log);
    if (known !== undefined) return known;
    const made = { shift: null, lastSeq: 0, rows: 0, fromSeq: 0, toSeq: 0 };
    logs.set(log, made);
    return made;
  }

  function check(log: string, tally: LogTally, seq: number, offset: number, row: RowText): void {
    tally.shift ??= Number(row['seq']) - seq;
    if (row['tenant_id'] === log && Number(row['seq']) === seq + tally.shift && tally.shift >= 0) return;
    const detail = `offset ${offset} is stored as ${row['tenant_id']}/${row['seq']}, its record is ${log}/${seq + Math.max(0, tally.shift)}`;
    for (const touched of [log, row['tenant_id'] ?? log])
      if (!contradictions.has(touched)) contradictions.set(touched, detail);
  }

  return {
    add(records, stored) {
      const rows = new Map(stored.map((row) => [row['src_offset'] ?? '', row]));
      for (const { expected } of records) {
        const { tenant_id: log, seq, src_offset: offset } = expected;
        const tally = tallyOf(log);
        tally.lastSeq = seq;
        const row = rows.get(String(offset));
        if (row !== undefined) {
          check(log, tally, seq, offset, row);
          continue;
        }
        if (tally.rows === 0) tally.fromSeq = seq;
        tally.toSeq = seq;
        tally.rows += 1;
      }
      if (rows.size === stored.length) return;
      const twice = stored.find((row, index) => rows.get(row['src_offset'] ?? '') !== row && index >= 0);
      if (twice !== undefined)
        contradictions.set(twice['tenant_id'] ?? '', `offset ${twice['src_offset']} is stored twice`);
    },

    result(heads, below, gaps) {
      const shifts = new Map<string, number>();
      const gone = [...gaps];
      const before = new Map(below.map((head) => [head.log, head]));
      for (const { log, firstSeq, headSeq } of heads.heads.values()) {
        const known = before.get(log);
        const seqBelow = known?.head_seq ?? firstSeq - 1;
        const tally = logs.get(log);
        // Without a row to go by, the head says how many there were.
        const shift = tally?.shift ?? headSeq - (tally?.lastSeq ?? seqBelow);
        if (shift <= 0) continue;
        shifts.set(log, shift);
        gone.push({ log, fromSeq: seqBelow + 1, toSeq: seqBelow + shift, afterOffset: known?.head_offset ?? -1 });
      }
      const missing = [...logs].flatMap(([log, { rows, fromSeq, toSeq }]): MissingRows[] => {
        const shift = shifts.get(log) ?? 0;
        if (rows === 0 || contradictions.has(log)) return [];
        return [{ log, rows, fromSeq: fromSeq + shift, toSeq: toSeq + shift }];
      });
      return { missing, gone, contradictions, shifts };
    },
  };
}
