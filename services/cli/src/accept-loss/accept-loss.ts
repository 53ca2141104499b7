import { setTimeout as pause } from 'node:timers/promises';
import { type ClickHouse } from '@docket/clickhouse';
import type { EventRow } from '@docket/event';
import type { StopReason } from '@docket/ingestor';
import type { Topology } from '@docket/kafka';
import type { Logger } from '@docket/runtime';
import { insertRows, type InsertedRows } from '../repair/insert-rows.ts';
import type { GoneSeqs } from '../repair/missing-policy.ts';
import { ownPartitions } from '../repair/own-partitions.ts';
import { gapsBelow, planRepair } from '../repair/plan-repair.ts';
import { partitionsOf, withInstallation, type OperatorConfig, type OperatorOptions } from '../repair/repair.ts';
import type { WalkPorts } from '../verify/walk-records.ts';
import { isAnotherTopic, judgePartitions, type Judged } from './judge-partitions.ts';
import { partsOfGone, rowsOfGoneSeqs, rowsOfLostRange, type LostPlace } from './lost-rows-mapper.ts';
import { openGeneration } from './open-generation.ts';

const triesMax = 20;
const betweenTriesMs = 200;
/** Of lost rows: of one insert, and the ranges of one statement. */
const partMax = { rows: 50_000, ranges: 100 };

/** One loss: where, what is known of it, and what going on means. */
export type Loss = { readonly partition: number; readonly logs: number } & (
  | { readonly kind: 'range'; readonly fromOffset: number; readonly toOffset: number }
  | { readonly kind: 'topic'; readonly reason: StopReason; readonly fromOffset: number }
  | { readonly kind: 'rows'; readonly rows: number; readonly gone: readonly GoneSeqs[] }
);

export interface AcceptLossReport {
  readonly applied: boolean;
  readonly losses: readonly Loss[];
  /** The generation that was opened, or would be; null when the present one goes on. */
  readonly newGeneration: number | null;
  /** Nothing is lost that was not accepted. */
  readonly isDone: boolean;
}

/**
 * Accepts that records are lost for ever, so that their partitions go on: the loss is written into the logs as rows of status
 * `lost`, and seq goes on behind them (docs/decisions/0014). Nothing is changed without `isApplied`. Throws when Kafka, the
 * registry or ClickHouse is away.
 */
export async function acceptLoss(
  config: OperatorConfig,
  logger: Logger,
  options: OperatorOptions,
): Promise<AcceptLossReport> {
  const report = await acceptInGeneration(config, logger, options);
  if (!report.applied || report.newGeneration === null) return report;
  const inNext = await acceptLoss(config, logger, options);
  return {
    ...inNext,
    losses: [...report.losses, ...inNext.losses],
    newGeneration: inNext.newGeneration ?? report.newGeneration,
  };
}

async function acceptInGeneration(
  config: OperatorConfig,
  logger: Logger,
  options: OperatorOptions,
): Promise<AcceptLossReport> {
  return withInstallation(config, logger, async (ports, topology) => {
    const asked = partitionsOf(topology, options.partition);
    const judged = await judgePartitions(ports, topology, asked);
    // The rest of the losses is judged in the next generation, when it is open.
    if (judged.some(isAnotherTopic)) return replaceTopic(ports, topology, options);
    const losses = [...judged.flatMap(rangeOf), ...(await goneOf(ports, topology, judged))];
    if (options.isApplied) for (const loss of losses) await accept(ports, topology, loss);
    return {
      applied: options.isApplied,
      losses,
      newGeneration: null,
      isDone: losses.length === 0 || options.isApplied,
    };
  });
}

/**
 * A generation is of the whole topic: every partition is looked at. What is missing within the present one is accepted before the next is opened: behind it
 * nobody looks there any more. Throws where rows can still be put back.
 */
async function replaceTopic(
  ports: WalkPorts,
  topology: Topology,
  { isApplied }: OperatorOptions,
): Promise<AcceptLossReport> {
  const judged = await judgePartitions(ports, topology, partitionsOf(topology, undefined));
  const losses = judged.flatMap((one): Loss[] => {
    const { partition, reason, position, heads } = one;
    if (reason === null || !isAnotherTopic(one)) return [];
    return [{ kind: 'topic', partition, reason, fromOffset: position, logs: heads.heads.size }];
  });
  losses.push(...(await goneOf(ports, topology, judged)));
  if (isApplied) {
    for (const loss of losses) await accept(ports, topology, loss);
    await openGeneration(ports, topology);
  }
  return { applied: isApplied, losses, newGeneration: topology.generation + 1, isDone: isApplied };
}

function rangeOf({ partition, reason, position, kafka, heads }: Judged): Loss[] {
  if (reason !== 'truncated') return [];
  return [{ kind: 'range', partition, fromOffset: position, toOffset: kafka.earliest - 1, logs: heads.heads.size }];
}

/** Of a partition of another topic what is missing between its rows, for Kafka has nothing of it any more. */
async function goneOf(ports: WalkPorts, topology: Topology, judged: readonly Judged[]): Promise<Loss[]> {
  const others = judged.filter(isAnotherTopic);
  const same = judged.filter((one) => !isAnotherTopic(one)).map(({ partition }) => partition);
  const losses: Loss[] = [];
  for (const { partition, missing, gone } of (await planRepair(ports, topology, same)).partitions) {
    if (others.length > 0 && missing.length > 0)
      throw new Error(
        `partition ${partition}: rows can still be put back: docket repair --partition ${partition} first`,
      );
    losses.push(...rowsLoss(partition, gone));
  }
  for (const { partition, heads, position } of others) {
    const at = { generation: topology.generation, partition, from: position };
    losses.push(...rowsLoss(partition, await gapsBelow(ports.clickhouse, at, heads)));
  }
  return losses;
}

function rowsLoss(partition: number, gone: readonly GoneSeqs[]): Loss[] {
  const rows = gone.reduce((sum, { fromSeq, toSeq }) => sum + toSeq - fromSeq + 1, 0);
  return rows === 0 ? [] : [{ kind: 'rows', partition, rows, logs: new Set(gone.map(({ log }) => log)).size, gone }];
}

async function accept(ports: WalkPorts, topology: Topology, loss: Loss): Promise<void> {
  const { clickhouse } = ports;
  const { generation } = topology;
  const { partition } = loss;
  const place = { generation, partition, acceptedAtMs: Date.now() };
  if (loss.kind === 'rows') {
    for (const part of partsOfGone(loss.gone, partMax))
      await untilStored(partition, () => insertAbsent(clickhouse, place, part));
  }
  if (loss.kind !== 'range') return;
  await untilStored(partition, async () => {
    const guard = await ownPartitions(clickhouse, { generation, partitions: [partition] });
    // Under the claim the partition's place is still; an ingestor, or another operator, may have been there before.
    const [now] = await judgePartitions(ports, topology, [partition]);
    if (now?.reason !== 'truncated') return { kind: 'stored' };
    const { position, kafka, heads } = now;
    const detail = `lost: Kafka removed offsets ${position} to ${kafka.earliest - 1} of partition ${partition} before they were stored`;
    const rows = rowsOfLostRange(place, heads, { offset: kafka.earliest - 1, detail });
    return insertRows(clickhouse, guard, rows.map(unread));
  });
}

async function insertAbsent(
  clickhouse: ClickHouse,
  place: LostPlace,
  gone: readonly GoneSeqs[],
): Promise<InsertedRows> {
  const { generation, partition } = place;
  const guard = await ownPartitions(clickhouse, { generation, partitions: [partition] });
  const found = await clickhouse.query<{ log: string; seq: number }>(
    `SELECT tenant_id AS log, seq FROM audit_events WHERE tenant_id IN {logs:Array(String)} AND src_partition = {partition:UInt16}
       AND arrayExists((log, fromSeq, toSeq) -> tenant_id = log AND seq BETWEEN fromSeq AND toSeq,
                       {logs:Array(String)}, {fromSeqs:Array(UInt64)}, {toSeqs:Array(UInt64)})`,
    {
      partition,
      logs: gone.map(({ log }) => log),
      fromSeqs: gone.map(({ fromSeq }) => fromSeq),
      toSeqs: gone.map(({ toSeq }) => toSeq),
    },
  );
  const present = new Set(found.map(({ log, seq }) => `${seq}/${log}`));
  const rows = gone.flatMap((one) => rowsOfGoneSeqs(place, one));
  const absent = rows.filter((row) => !present.has(`${row.seq}/${row.tenant_id}`));
  return insertRows(clickhouse, guard, absent.map(unread));
}

const unread = (expected: EventRow) => ({ expected, value: null });

/** Whatever comes between, the data is asked again, under a claim of one's own: one try after the other. */
async function untilStored(partition: number, attempt: () => Promise<InsertedRows>): Promise<void> {
  let detail = '';
  for (let tries = 0; tries < triesMax; tries += 1) {
    const outcome = await attempt();
    if (outcome.kind === 'stored') return;
    detail = outcome.kind === 'in_doubt' ? outcome.detail : 'a lost row was refused';
    await pause(betweenTriesMs);
  }
  throw new Error(`partition ${partition}: lost rows were not stored after ${triesMax} tries: ${detail}`);
}
