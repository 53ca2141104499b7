import { createBinder, scopedConditions, type Statement } from '@docket/clickhouse';
import { eventStatuses, rfc3339OfMicros, scopeSearch, type EventStatus } from '@docket/event';
import type { HistogramPlan } from '../counts/histogram-mapper.ts';
import type { LedgerAnswer } from './ledger-endpoint.ts';

export interface LedgerQuery {
  readonly tenantId: string;
  /** Buckets of received_at. */
  readonly plan: HistogramPlan;
  /** Rows behind this seq came later: the answer is of one moment. */
  readonly throughSeq: number;
}

/** One bucket that has rows. */
export type LedgerRow = Readonly<Record<EventStatus, number>> & {
  readonly bucket: number;
  readonly first_seq: number;
  readonly last_seq: number;
  /** Decimal. */
  readonly digest: string;
};

/**
 * The digest of a set of events: the sum, modulo 2^256, of the SHA-256 of `SEQ:ID` of each, as a number. It does not depend on
 * the order, digests of parts add up to that of the whole, and whoever has seqs and ids can make it. It finds what was lost, added
 * or doubled by accident; it is no proof against forgery.
 */
const digestSql =
  "sumIf(reinterpretAsUInt256(reverse(SHA256(concat(toString(seq), ':', toString(id))))), status IN ('accepted', 'conflict'))";

/** Rows of every status for each bucket that has some: rows of LedgerRow. */
export function ledgerStatement({ tenantId, plan, throughSeq }: LedgerQuery): Statement {
  const binder = createBinder();
  const range = { kind: 'range', field: 'received_at', from: plan.from, before: plan.before } as const;
  const clauses = [
    ...scopedConditions(everyStatus(tenantId, range), binder),
    `seq <= ${binder.bind('UInt64', throughSeq)}`,
  ];
  const counts = eventStatuses.map((status) => `countIf(status = '${status}') AS \`${status}\``).join(', ');
  const [first, width] = [binder.bind('Int64', plan.firstMicros), binder.bind('Int64', plan.intervalMicros)];
  const sql = `SELECT toUInt32(intDiv(toUnixTimestamp64Milli(received_at) * 1000 - ${first}, ${width})) AS bucket,
  ${counts}, min(seq) AS first_seq, max(seq) AS last_seq, toString(${digestSql}) AS digest
FROM audit_events
WHERE ${clauses.join('\n  AND ')}
GROUP BY bucket`;
  return { sql, params: binder.params };
}

/** Whether the log has a row that was received at the end of the range or later: a row, or none. */
export function laterStatement({ tenantId, plan, throughSeq }: LedgerQuery): Statement {
  const binder = createBinder();
  const range = { kind: 'range', field: 'received_at', from: plan.before, before: null } as const;
  const clauses = scopedConditions(everyStatus(tenantId, range), binder);
  const sql = `SELECT seq FROM audit_events WHERE ${clauses.join(' AND ')} AND seq <= ${binder.bind('UInt64', throughSeq)} LIMIT 1`;
  return { sql, params: binder.params };
}

function everyStatus(tenantId: string, range: Parameters<typeof scopeSearch>[0]) {
  const ofAnyStatus = { kind: 'is', field: 'status', values: eventStatuses } as const;
  return scopeSearch({ kind: 'and', terms: [range, ofAnyStatus] }, { tenantId, statuses: eventStatuses, own: null });
}

interface LedgerState {
  readonly firstSeq: number;
  readonly headSeq: number;
  readonly asOf: string;
  /** Of `laterStatement`. */
  readonly hasLater: boolean;
}

/** Every bucket of the plan, in order, empty ones too. */
export function ledgerAnswer(plan: HistogramPlan, rows: readonly LedgerRow[], state: LedgerState): LedgerAnswer {
  const byBucket = new Map(rows.map((row) => [row.bucket, row]));
  const lastBucket = state.hasLater ? plan.buckets : Math.max(-1, ...byBucket.keys());
  const buckets = Array.from({ length: plan.buckets }, (_, index) => {
    const beginsAt = plan.firstMicros + index * plan.intervalMicros;
    const row = byBucket.get(index);
    return {
      at: rfc3339OfMicros(Math.max(plan.from, beginsAt)),
      until: rfc3339OfMicros(Math.min(plan.before, beginsAt + plan.intervalMicros)),
      statuses: statusesOf(row === undefined ? [] : [row]),
      ...(row === undefined ? {} : { first_seq: row.first_seq, last_seq: row.last_seq }),
      digest: digestOf(row === undefined ? [] : [row]),
      // Records of a log are appended in order: what follows closes the buckets before it.
      is_final: index < lastBucket,
    };
  });
  return {
    since: rfc3339OfMicros(plan.from),
    until: rfc3339OfMicros(plan.before),
    bucket: plan.interval,
    statuses: statusesOf(rows),
    digest: digestOf(rows),
    buckets,
    first_seq: state.firstSeq,
    complete_through: state.headSeq,
    as_of: state.asOf,
  };
}

function statusesOf(rows: readonly LedgerRow[]): Record<EventStatus, number> {
  const sum = (status: EventStatus): number => rows.reduce((total, row) => total + row[status], 0);
  return {
    accepted: sum('accepted'),
    duplicate: sum('duplicate'),
    conflict: sum('conflict'),
    quarantined: sum('quarantined'),
    rerouted: sum('rerouted'),
    lost: sum('lost'),
  };
}

/** 64 hexadecimal digits. */
function digestOf(rows: readonly LedgerRow[]): string {
  const sum = rows.reduce((total, { digest }) => BigInt.asUintN(256, total + BigInt(digest)), 0n);
  return sum.toString(16).padStart(64, '0');
}
