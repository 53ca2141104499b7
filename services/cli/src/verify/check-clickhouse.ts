import { readHeads, type ClickHouse, type PartitionHeads } from '@docket/clickhouse';
import { partitionOf, strayLogOf } from '@docket/event';
import type { Topology } from '@docket/kafka';
import type { Finding } from './compare-rows-policy.ts';

/** A scan of everything that is stored. */
const scanDeadlineMs = 600_000;

interface LogFacts {
  readonly partition: number;
  readonly log: string;
  readonly stored_rows: number;
  readonly seqs: number;
  readonly offsets: number;
  readonly first_seq: number;
  readonly head_seq: number;
  readonly in_disorder: number;
}

/** Reads seq and offset of every row, not only what the projection says: that is what is being checked. */
const logFactsSql = `SELECT src_partition AS partition, tenant_id AS log, count() AS stored_rows, uniqExact(seq) AS seqs,
  uniqExact(src_offset) AS offsets, min(seq) AS first_seq, max(seq) AS head_seq, countIf(src_offset <= previous AND seq > 1 AND previous_seq > 0) AS in_disorder
FROM (
  SELECT src_partition, tenant_id, seq, src_offset,
    lagInFrame(src_offset) OVER w AS previous, lagInFrame(seq) OVER w AS previous_seq
  FROM audit_events WHERE src_generation = {generation:UInt16}
  WINDOW w AS (PARTITION BY src_partition, tenant_id ORDER BY seq, src_offset ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)
GROUP BY src_partition, tenant_id`;

/** Rows that nobody would ever look at: of a partition or a generation that the topic does not have. */
const homelessSql = `SELECT src_generation AS generation, src_partition AS partition, count() AS stored_rows FROM audit_events
WHERE src_generation > {generation:UInt16} OR (src_generation = {generation:UInt16} AND src_partition >= {partitions:UInt16})
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
  /** Of every partition of the topology: what ClickHouse holds. */
  readonly heads: ReadonlyMap<number, PartitionHeads>;
}

/** I2 and I3 over ClickHouse alone: each log is dense from its first seq, in offset order, and on its own partition. */
export async function checkClickHouse(
  clickhouse: ClickHouse,
  { generation, partitions }: Topology,
): Promise<ClickHouseReport> {
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  const heads = await readHeads(clickhouse, { generation, partitions: all });
  const facts = await clickhouse.query<LogFacts>(logFactsSql, { generation }, { deadlineMs: scanDeadlineMs });
  const homeless = await clickhouse.query<Homeless>(
    homelessSql,
    { generation, partitions },
    { deadlineMs: scanDeadlineMs },
  );
  const findings = [
    ...facts.flatMap((log) => findingsOf(log, heads.get(log.partition)?.heads.get(log.log)?.firstSeq ?? 1, partitions)),
    ...behindHeads(heads, facts),
    ...homeless.map(({ generation: of, partition, stored_rows: rows }): Finding => ({
      kind: 'wrong_partition',
      partition,
      detail: `${rows} rows are of generation ${of}, partition ${partition}, which the topic does not have`,
    })),
  ];
  return { findings, heads, logs: facts.length, rows: facts.reduce((sum, log) => sum + log.stored_rows, 0) };
}

/** What the ingestor goes on from (p_heads, log_heads) may not be more than the rows: it would leave out what is missing. */
function behindHeads(heads: ReadonlyMap<number, PartitionHeads>, facts: readonly LogFacts[]): Finding[] {
  const found = new Map(facts.map((log) => [`${log.partition}/${log.log}`, log]));
  return [...heads].flatMap(([partition, { heads: logs }]) =>
    [...logs.values()].flatMap(({ log, headSeq, rows }): Finding[] => {
      const { head_seq: head = 0, stored_rows: stored = 0 } = found.get(`${partition}/${log}`) ?? {};
      if (head >= headSeq && stored >= rows) return [];
      const detail = `log ${log}: its recorded head is seq ${headSeq} with ${rows} rows, the table holds ${stored} rows up to seq ${head}`;
      return [{ kind: 'hole', partition, detail }];
    }),
  );
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
