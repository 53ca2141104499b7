import type { ClickHouse } from './clickhouse-client.ts';
import { ClickHouseError } from './error-policy.ts';

/** Records of one partition, by offset: behind `after`, up to and with `through`. */
export interface OffsetSpan {
  readonly generation: number;
  readonly partition: number;
  readonly after: number;
  readonly through: number;
}

export interface StoredGap {
  readonly from: number;
  readonly to: number;
  readonly sinceMs: number;
  readonly told: { readonly from: number; readonly to: number } | null;
}

/** What is known of the running numbers of one source. */
export interface SourceRow {
  readonly tenantId: string;
  readonly service: string;
  readonly instance: string;
  readonly high: number;
  readonly gaps: readonly StoredGap[];
}

/** The numbers of one source in a span, as ranges in ascending order, and its state before. */
export interface SeenSource {
  readonly tenantId: string;
  readonly service: string;
  readonly instance: string;
  readonly seen: readonly { readonly from: number; readonly to: number; readonly receivedMs: number }[];
  /** Undefined: never seen by whoever keeps them. */
  readonly known: Pick<SourceRow, 'high' | 'gaps'> | undefined;
}

/** It works beside inserts: one core, so that they do not feel it. */
const aside = { max_threads: 1, optimize_use_projections: 1 };
const deadlineMs = 60_000;

/** from, to, since (ms), told from, told to; told to 0: not told. */
type GapTuple = readonly [number, number, number, number, number];

interface SeenLine {
  readonly tenant_id: string;
  readonly service: string;
  readonly instance: string;
  readonly ranges: readonly (readonly [number, number, number])[];
  readonly is_known: number;
  readonly high: number;
  readonly gaps: readonly GapTuple[];
}

/**
 * Quarantined JSON (the gateway's lenient handling) keeps its number too: such an event is not missing. It may have come with another tenant's name, in whose
 * series the number is.
 */
const numbered = `SELECT tenant_id, received_at,
    if(status = 'quarantined', JSONExtractString(raw, 'source', 'service'), source_service) AS service,
    if(status = 'quarantined', JSONExtractString(raw, 'source', 'instance'), source_instance) AS instance,
    if(status = 'quarantined', JSONExtractUInt(raw, 'source', 'counter'), source_counter) AS counter
  FROM audit_events
  WHERE src_generation = {generation:UInt16} AND src_partition = {partition:UInt16} AND src_offset > {after:Int64} AND src_offset <= {through:Int64}
    AND (source_counter > 0 OR (status = 'quarantined' AND JSONExtractString(raw, 'tenant_id') IN ('', tenant_id))) AND NOT startsWith(tenant_id, '!')`;

/** Every source that the records of a span name. Throws ClickHouseError. */
export async function readSeenSources(clickhouse: ClickHouse, span: OffsetSpan): Promise<SeenSource[]> {
  const lines = await clickhouse.query<SeenLine>(
    `WITH numbered AS (${numbered}),
  apart AS (
    SELECT tenant_id, service, instance, counter, min(received_at) AS received_at,
      counter - row_number() OVER (PARTITION BY tenant_id, service, instance ORDER BY counter) AS run
    FROM numbered WHERE counter > 0 AND counter < 9007199254740991 GROUP BY tenant_id, service, instance, counter
  ),
  runs AS (
    SELECT tenant_id, service, instance, min(counter) AS low, max(counter) AS top, argMin(received_at, counter) AS received_at
    FROM apart GROUP BY tenant_id, service, instance, run
  ),
  sources AS (
    SELECT tenant_id, service, instance, arraySort(groupArray((low, top, toUnixTimestamp64Milli(received_at)))) AS ranges
    FROM runs GROUP BY tenant_id, service, instance
  )
SELECT sources.tenant_id AS tenant_id, sources.service AS service, sources.instance AS instance, ranges, known.is_known AS is_known, known.high AS high, known.gaps AS gaps
FROM sources LEFT JOIN (
  SELECT tenant_id, service, instance, 1 AS is_known, high, gaps FROM source_counters FINAL
  WHERE (tenant_id, service, instance) IN (SELECT tenant_id, service, instance FROM sources)
) AS known USING (tenant_id, service, instance)`,
    { ...span },
    { deadlineMs, settings: aside },
  );
  return lines.map((line) => ({
    ...nameOf(line),
    seen: line.ranges.map(([from, to, receivedMs]) => ({ from, to, receivedMs })),
    known: line.is_known === 1 ? { high: line.high, gaps: line.gaps.map(gapOf) } : undefined,
  }));
}

/**
 * Of the sources of a span that are not in the table and do not begin at 1: the highest number that is stored below their first, 0 when there is none.
 * They may be older than the table. One statement, which reads the logs that they are in: a tenant may name any number of them (I7). Throws ClickHouseError.
 */
export async function readHighestBefore(
  clickhouse: ClickHouse,
  span: OffsetSpan,
): Promise<Pick<SourceRow, 'tenantId' | 'service' | 'instance' | 'high'>[]> {
  const lines = await clickhouse.query<Pick<SeenLine, 'tenant_id' | 'service' | 'instance' | 'high'>>(
    `WITH numbered AS (${numbered}),
  unknown AS (
    SELECT tenant_id, service, instance, min(counter) AS first FROM numbered
    WHERE counter > 0 AND (tenant_id, service, instance) NOT IN (
      SELECT tenant_id, service, instance FROM source_counters WHERE tenant_id IN (SELECT tenant_id FROM numbered)
    )
    GROUP BY tenant_id, service, instance HAVING first > 1
  )
SELECT unknown.tenant_id AS tenant_id, unknown.service AS service, unknown.instance AS instance, max(source_counter) AS high
FROM audit_events INNER JOIN unknown
  ON audit_events.tenant_id = unknown.tenant_id AND source_service = unknown.service AND source_instance = unknown.instance
WHERE audit_events.tenant_id IN (SELECT tenant_id FROM unknown) AND source_instance IN (SELECT instance FROM unknown)
  AND source_counter < unknown.first
GROUP BY tenant_id, service, instance`,
    { ...span },
    { deadlineMs, settings: aside },
  );
  return lines.map((line) => ({ ...nameOf(line), high: line.high }));
}

/** Sources with gaps that have not been told and showed before a time, the oldest first; of one tenant a hundred at most, of all a thousand. */
export async function readUntoldSources(
  clickhouse: ClickHouse,
  { generation, partition, beforeMs }: { generation: number; partition: number; beforeMs: number },
): Promise<SourceRow[]> {
  const lines = await clickhouse.query<Omit<SeenLine, 'ranges' | 'is_known'>>(
    `SELECT tenant_id, service, instance, high, gaps FROM source_counters FINAL
     WHERE generation = {generation:UInt16} AND partition = {partition:UInt16} AND arrayExists(gap -> gap.5 = 0 AND gap.3 <= {beforeMs:Int64}, gaps)
     ORDER BY arrayMin(arrayMap(gap -> if(gap.5 = 0, gap.3, 9223372036854775807), gaps)) LIMIT 100 BY tenant_id LIMIT 1000`,
    { generation, partition, beforeMs },
    { deadlineMs, settings: aside },
  );
  return lines.map((line) => ({ ...nameOf(line), high: line.high, gaps: line.gaps.map(gapOf) }));
}

/** How many events have been told as missing, of sources in these partitions, and have not arrived. Throws ClickHouseError. */
export async function readMissingEvents(
  clickhouse: ClickHouse,
  { generation, partitions }: { generation: number; partitions: readonly number[] },
): Promise<number> {
  const [found] = await clickhouse.query<{ missing: number }>(
    `SELECT sum(arraySum(gap -> if(gap.5 = 0, 0., toFloat64(gap.2) - gap.1 + 1), gaps)) AS missing FROM source_counters FINAL
     WHERE generation = {generation:UInt16} AND partition IN {partitions:Array(UInt16)}`,
    { generation, partitions },
    { deadlineMs, settings: aside },
  );
  return found?.missing ?? 0;
}

/**
 * Keeps what is known of sources once the records up to `through` have been counted. A state that counts more records wins, then one that has been
 * told: what a stale owner writes changes nothing. Throws ClickHouseError.
 */
export async function writeSources(
  clickhouse: ClickHouse,
  { generation, partition, through }: Omit<OffsetSpan, 'after'>,
  sources: readonly SourceRow[],
  { isTold }: { readonly isTold: boolean },
): Promise<void> {
  if (sources.length === 0) return;
  const version = (BigInt(generation) << 48n) + BigInt(through) * 2n + (isTold ? 1n : 0n);
  const lines = sources.map(({ tenantId, service, instance, high, gaps }) =>
    JSON.stringify({
      generation,
      partition,
      tenant_id: tenantId,
      service,
      instance,
      high,
      gaps: gaps.map(({ from, to, sinceMs, told }) => [from, to, sinceMs, told?.from ?? 0, told?.to ?? 0]),
      version: String(version),
    }),
  );
  await insert(
    clickhouse,
    'source_counters (generation, partition, tenant_id, service, instance, high, gaps, version)',
    lines,
  );
}

/** Up to which offset the records of partitions have been counted, and where their rows end: that offset, and when it was appended. */
export interface CountedPartition {
  readonly partition: number;
  /** Undefined: nothing has been counted yet. */
  readonly counted: number | undefined;
  readonly stored: number;
}

export async function readCounted(
  clickhouse: ClickHouse,
  { generation, partitions }: { generation: number; partitions: readonly number[] },
): Promise<CountedPartition[]> {
  const lines = await clickhouse.query<{ partition: number; is_counted: number; counted: number; stored: number }>(
    `SELECT stored.partition AS partition, stored, counted.is_counted AS is_counted, counted.through_offset AS counted FROM (
       SELECT src_partition AS partition, max(src_offset) AS stored FROM audit_events
       WHERE src_generation = {generation:UInt16} AND src_partition IN {partitions:Array(UInt16)} GROUP BY src_generation, src_partition
     ) AS stored LEFT JOIN (
       SELECT partition, 1 AS is_counted, max(through_offset) AS through_offset FROM source_positions
       WHERE generation = {generation:UInt16} AND partition IN {partitions:Array(UInt16)} GROUP BY partition
     ) AS counted USING (partition) ORDER BY partition`,
    { generation, partitions },
    { deadlineMs, settings: aside },
  );
  return lines.map(({ partition, is_counted: isCounted, counted, stored }) => ({
    partition,
    counted: isCounted === 1 ? counted : undefined,
    stored,
  }));
}

/** Notes that the records up to `through` have been counted. Never goes back: the highest counts. */
export async function writeCounted(
  clickhouse: ClickHouse,
  { generation, partition, through }: Omit<OffsetSpan, 'after'>,
): Promise<void> {
  await insert(clickhouse, 'source_positions (generation, partition, through_offset)', [
    JSON.stringify({ generation, partition, through_offset: through }),
  ]);
}

/** When Kafka appended a stored record; undefined when there is none at that offset. ms since the epoch. */
export async function readReceivedMs(
  clickhouse: ClickHouse,
  { generation, partition, offset }: { generation: number; partition: number; offset: number },
): Promise<number | undefined> {
  const [found] = await clickhouse.query<{ ms: number }>(
    `SELECT toUnixTimestamp64Milli(received_at) AS ms FROM audit_events
     WHERE src_generation = {generation:UInt16} AND src_partition = {partition:UInt16} AND src_offset = {offset:UInt64} LIMIT 1`,
    { generation, partition, offset },
    { deadlineMs, settings: aside },
  );
  return found?.ms;
}

async function insert(clickhouse: ClickHouse, into: string, lines: readonly string[]): Promise<void> {
  const answer = await clickhouse.send(`INSERT INTO ${into} FORMAT JSONEachRow`, [Buffer.from(lines.join('\n'))], {
    deadlineMs,
    settings: { async_insert: 0 },
  });
  if (!answer.ok) throw new ClickHouseError(answer.code, answer.message);
}

function nameOf(
  line: Pick<SeenLine, 'tenant_id' | 'service' | 'instance'>,
): Pick<SourceRow, 'tenantId' | 'service' | 'instance'> {
  return { tenantId: line.tenant_id, service: line.service, instance: line.instance };
}

function gapOf([from, to, sinceMs, toldFrom, toldTo]: GapTuple): StoredGap {
  return { from, to, sinceMs, told: toldTo === 0 ? null : { from: toldFrom, to: toldTo } };
}
