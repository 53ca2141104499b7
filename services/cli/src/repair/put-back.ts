import { setTimeout as pause } from 'node:timers/promises';
import type { ClickHouse, Guard, PartitionHeads } from '@docket/clickhouse';
import type { Topology } from '@docket/kafka';
import { walkRecords, type WalkPorts } from '../verify/walk-records.ts';
import { insertRows, type RowToInsert } from './insert-rows.ts';
import { ownPartitions } from './own-partitions.ts';
import type { PartitionPlan } from './plan-repair.ts';

/** Rows of one insert: written within a fraction of the time for which a fenced ingestor waits before it claims again. */
const rowsAtOnce = 2_000;
/** An ingestor under load claims its partitions again every few seconds. */
const triesMax = 20;
const betweenTriesMs = 200;
/** Refused rows are rare; each makes the partition be judged anew. */
const refusalsMax = 1_000;

/** Inserts exactly the missing rows of a partition, under a claim of our own. Gives how many. Throws when it is not let. */
export async function putBack(
  ports: WalkPorts,
  topology: Topology,
  heads: ReadonlyMap<number, PartitionHeads>,
  plan: PartitionPlan,
): Promise<number> {
  let inserted = 0;
  for (let refusals = 0; refusals < refusalsMax; refusals += 1) {
    const round = await putBackOnce(ports, topology, heads, plan);
    inserted += round.inserted;
    if (!round.isRefused) return inserted;
  }
  throw new Error(`partition ${plan.partition}: ClickHouse refused ${refusalsMax} rows`);
}

async function putBackOnce(
  ports: WalkPorts,
  topology: Topology,
  heads: ReadonlyMap<number, PartitionHeads>,
  { partition, range, shifts, contradictions }: PartitionPlan,
): Promise<{ inserted: number; isRefused: boolean }> {
  const { clickhouse } = ports;
  const { generation } = topology;
  const writer = createWriter(clickhouse, { generation, partition });
  let waiting: RowToInsert[] = [];
  await walkRecords({
    ports,
    topology,
    heads,
    ranges: range === null ? [] : [range],
    shifts,
    async onRange(_partition, records, stored) {
      if (writer.isRefused()) return;
      const present = new Set(stored.map((row) => row['src_offset']));
      for (const { expected, value } of records) {
        if (present.has(String(expected.src_offset)) || contradictions.has(expected.tenant_id)) continue;
        waiting.push({ expected, value });
        if (waiting.length < rowsAtOnce) continue;
        await writer.write(waiting);
        waiting = [];
      }
    },
  });
  await writer.write(waiting);
  return { inserted: writer.inserted(), isRefused: writer.isRefused() };
}

function createWriter(clickhouse: ClickHouse, place: { readonly generation: number; readonly partition: number }) {
  let guard: Guard | undefined;
  let inserted = 0;
  let isRefused = false;

  /** Whoever else puts rows back claims the partition first: what is absent under our claim stays so until we insert, or are fenced. */
  async function absent(rows: readonly RowToInsert[]): Promise<RowToInsert[]> {
    const offsets = rows.map(({ expected }) => expected.src_offset);
    const found = await clickhouse.query<{ src_offset: number }>(
      `SELECT src_offset FROM audit_events WHERE src_generation = {generation:UInt16} AND src_partition = {partition:UInt16}
         AND src_offset IN {offsets:Array(UInt64)}`,
      { ...place, offsets },
    );
    const present = new Set(found.map((row) => row.src_offset));
    return rows.filter(({ expected }) => !present.has(expected.src_offset));
  }

  return {
    inserted: () => inserted,
    isRefused: () => isRefused,
    async write(rows: readonly RowToInsert[]): Promise<void> {
      if (rows.length === 0 || isRefused) return;
      const before = rows.length;
      let detail = '';
      for (let tries = 0; tries < triesMax; tries += 1) {
        guard ??= await ownPartitions(clickhouse, { generation: place.generation, partitions: [place.partition] });
        const left = await absent(rows);
        const outcome = await insertRows(clickhouse, guard, left);
        isRefused = outcome.kind === 'refused';
        if (outcome.kind !== 'in_doubt') {
          inserted += isRefused ? before - (await absent(rows)).length : before;
          return;
        }
        ({ detail } = outcome);
        guard = undefined;
        await pause(betweenTriesMs);
      }
      throw new Error(`partition ${place.partition}: rows were not inserted after ${triesMax} tries: ${detail}`);
    },
  };
}
