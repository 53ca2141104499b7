import { readHeads, type ClickHouse, type PartitionHeads } from '@docket/clickhouse';
import { partitionOf, strayLogOf } from '@docket/event';
import type { Topology } from '@docket/kafka';
import type { Finding } from './compare-rows-policy.ts';

/** A scan of everything that is stored of a partition. */
const scanDeadlineMs = 600_000;

/** Sorting and counting go to disk beyond this: a partition may hold more than the server has memory. */
const bounded = { max_bytes_before_external_sort: 1_000_000_000, max_bytes_before_external_group_by: 1_000_000_000 };

interface LogFacts {
  readonly partition: number;
  readonly log: string;
  readonly stored_rows: number;
  /** Of them, those of the present generation. */
  readonly present_rows: number;
  readonly seqs: number;
  readonly offsets: number;
  readonly first_seq: number;
  readonly head_seq: number;
  readonly in_disorder: number;
  readonly lost: number;
}

/**
 * Reads seq and offset of every row, not only what the projection says: that is what is being checked. A log goes on over the
 * generations of the topic, so its rows are ordered by generation, then offset.
 */
const logFactsSql = `SELECT {partition:UInt16} AS partition, tenant_id AS log, count() AS stored_rows, countIf(src_generation = {generation:UInt16}) AS present_rows,
  uniqExact(seq) AS seqs, uniqExact(src_generation, src_offset) AS offsets, min(seq) AS first_seq, max(seq) AS head_seq,
  countIf((src_generation, src_offset) <= (previous_generation, previous_offset) AND previous_seq > 0) AS in_disorder, countIf(status = 'lost') AS lost
FROM (
  SELECT tenant_id, seq, src_generation, src_offset, status,
    lagInFrame(src_generation) OVER w AS previous_generation, lagInFrame(src_offset) OVER w AS previous_offset, lagInFrame(seq) OVER w AS previous_seq
  FROM audit_events WHERE src_partition = {partition:UInt16} AND src_generation <= {generation:UInt16}
  WINDOW w AS (PARTITION BY tenant_id ORDER BY seq, src_generation, src_offset ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)
GROUP BY tenant_id`;

/** Where logs begin whose first rows were cut by retention. */
const firstSeqsSql = `SELECT tenant_id AS log, max(first_seq) AS first_seq FROM log_heads
WHERE partition = {partition:UInt16} AND generation <= {generation:UInt16} GROUP BY tenant_id HAVING first_seq > 1`;

/** Rows that nobody would ever look at: of a partition or a generation that the topic does not have. */
const homelessSql = `SELECT src_generation AS generation, src_partition AS partition, count() AS stored_rows FROM audit_events
WHERE src_generation > {generation:UInt16} OR src_partition >= {partitions:UInt16}
GROUP BY generation, partition ORDER BY generation, partition`;

interface Homeless {
  readonly generation: number;
  readonly partition: number;
  readonly stored_rows: number;
}

export interface ClickHouseReport {
  readonly findings: readonly Finding[];
  readonly rows: number;
  readonly logs: number;
  /** Rows of losses that an operator has accepted. */
  readonly lost: number;
  /** Of every partition of the topology: what ClickHouse holds. */
  readonly heads: ReadonlyMap<number, PartitionHeads>;
}

/** I2 and I3 over ClickHouse alone: each log is dense from its first seq, in offset order, and on its own partition. */
export async function checkClickHouse(clickhouse: ClickHouse, topology: Topology): Promise<ClickHouseReport> {
  const { generation, partitions } = topology;
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  const heads = await readHeads(clickhouse, { generation, partitions: all });
  const findings: Finding[] = [];
  const sums = { rows: 0, logs: 0, lost: 0 };
  for (const partition of all) {
    const params = { generation, partition };
    const options = { deadlineMs: scanDeadlineMs, settings: bounded };
    const facts = await clickhouse.query<LogFacts>(logFactsSql, params, options);
    const cut = await clickhouse.query<{ log: string; first_seq: number }>(firstSeqsSql, params, options);
    const firstSeqs = new Map(cut.map(({ log, first_seq: firstSeq }) => [log, firstSeq]));
    findings.push(...facts.flatMap((log) => findingsOf(log, firstSeqs.get(log.log) ?? 1, partitions)));
    findings.push(...behindHeads(partition, heads.get(partition), facts));
    sums.logs += facts.length;
    for (const { stored_rows: rows, lost } of facts) {
      sums.rows += rows;
      sums.lost += lost;
    }
  }
  const homeless = await clickhouse.query<Homeless>(
    homelessSql,
    { generation, partitions },
    { deadlineMs: scanDeadlineMs },
  );
  for (const { generation: of, partition, stored_rows: rows } of homeless) {
    const detail = `${rows} rows are of generation ${of}, partition ${partition}, which the topic does not have`;
    findings.push({ kind: 'wrong_partition', partition, detail });
  }
  return { findings, heads, ...sums };
}

/** What the ingestor goes on from (p_heads, log_heads) may not be more than the rows: it would leave out what is missing. */
function behindHeads(partition: number, heads: PartitionHeads | undefined, facts: readonly LogFacts[]): Finding[] {
  const found = new Map(facts.map((log) => [log.log, log]));
  return [...(heads?.heads.values() ?? [])].flatMap(({ log, headSeq, rows }): Finding[] => {
    const { head_seq: head = 0, present_rows: stored = 0 } = found.get(log) ?? {};
    if (head >= headSeq && stored >= rows) return [];
    const detail = `log ${log}: its recorded head is seq ${headSeq} with ${rows} rows, the table holds ${stored} rows up to seq ${head}`;
    return [{ kind: 'hole', partition, detail }];
  });
}

function findingsOf(facts: LogFacts, firstSeq: number, partitions: number): Finding[] {
  const { partition, log } = facts;
  const findings: Finding[] = [];
  const add = (kind: Finding['kind'], detail: string) =>
    findings.push({ kind, partition, detail: `log ${log}: ${detail}` });
  if (facts.seqs !== facts.stored_rows)
    add('doubled_row', `${facts.stored_rows} rows have ${facts.seqs} different seqs`);
  else if (facts.offsets !== facts.stored_rows)
    add('doubled_row', `${facts.stored_rows} rows have ${facts.offsets} different offsets`);
  if (facts.first_seq !== firstSeq) add('hole', `begins at seq ${facts.first_seq} instead of ${firstSeq}`);
  const span = facts.head_seq - facts.first_seq + 1;
  if (facts.seqs !== span)
    add('hole', `${span - facts.seqs} seqs between ${facts.first_seq} and ${facts.head_seq} have no row`);
  if (facts.in_disorder > 0)
    add('disorder', `${facts.in_disorder} rows have a higher seq than a row that came later in Kafka`);
  const isHome = log === strayLogOf(partition) || (!log.startsWith('!') && partitionOf(log, partitions) === partition);
  if (!isHome) add('wrong_partition', `has rows of partition ${partition}, which is not its own`);
  return findings;
}
