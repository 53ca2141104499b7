import { randomUUID } from 'node:crypto';
import { carryHeads, closeGeneration, type Guard } from '@docket/clickhouse';
import { recordTopology, type Topology } from '@docket/kafka';
import { insertRows } from '../repair/insert-rows.ts';
import { clearForeign, ownersOf } from '../repair/own-partitions.ts';
import type { WalkPorts } from '../verify/walk-records.ts';
import { firstDifference, isAnotherTopic, judgePartitions, type Judged } from './judge-partitions.ts';
import { rowsOfLostRange } from './lost-rows-mapper.ts';

/** Begins the detail of the rows that end a partition in a generation. */
const endedDetail = 'lost: what the earlier topic held from offset';

/**
 * Opens the next generation of the events topic, in this order; a crash after any step is mended by running it again:
 * 1. the present generation is closed: nobody writes in it any more, and nobody can claim it;
 * 2. each partition whose records are others now gets its lost rows, behind its last one;
 * 3. the heads of all logs are left to the next generation, which begins in each partition where its records are new;
 * 4. the topology is recorded: ingestors, which find their generation closed, read it and go on there.
 * Gives the partitions with the offsets at which they begin.
 */
export async function openGeneration(ports: WalkPorts, topology: Topology): Promise<ReadonlyMap<number, number>> {
  const { clickhouse, kafka } = ports;
  const { generation } = topology;
  const partitions = Array.from({ length: topology.partitions }, (_, partition) => partition);
  const owner = await closeGeneration(clickhouse, { generation, partitions, owner: randomUUID() });
  const guard: Guard = { generation, owners: ownersOf(partitions, owner) };
  await clearForeign(clickhouse, guard);

  const starts = new Map<number, number>();
  for (const judged of await judgePartitions(ports, topology, partitions)) {
    const start = isAnotherTopic(judged) ? await firstDifference(ports, topology, judged) : judged.position;
    starts.set(judged.partition, start);
    if (isAnotherTopic(judged) && !(await isEnded(ports, generation, judged))) await end(ports, guard, judged);
  }
  await carryHeads(clickhouse, guard, starts);
  await recordTopology(kafka, { generation: generation + 1, partitions: topology.partitions });
  return starts;
}

async function isEnded(
  { clickhouse }: WalkPorts,
  generation: number,
  { partition, position }: Judged,
): Promise<boolean> {
  const [row] = await clickhouse.query<{ n: number }>(
    `SELECT count() AS n FROM audit_events WHERE src_generation = {generation:UInt16} AND src_partition = {partition:UInt16}
       AND src_offset + 1 = {position:UInt64} AND status = 'lost' AND startsWith(status_detail, {endedDetail:String})`,
    { generation, partition, position, endedDetail },
  );
  return (row?.n ?? 0) > 0;
}

async function end({ clickhouse }: WalkPorts, guard: Guard, { partition, position, heads }: Judged): Promise<void> {
  const place = { generation: guard.generation, partition, acceptedAtMs: Date.now() };
  const range = { offset: position, detail: `${endedDetail} ${position} of partition ${partition} on` };
  const rows = rowsOfLostRange(place, heads, range).map((expected) => ({ expected, value: null }));
  const owners = ownersOf([partition], guard.owners.get(partition) ?? '');
  const stored = await insertRows(clickhouse, { generation: guard.generation, owners }, rows);
  if (stored.kind !== 'stored') throw new Error(`partition ${partition}: its lost rows were not stored; run it again`);
}
