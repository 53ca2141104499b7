import { choicesOf } from './choices.ts';
import { partitions } from './events.ts';
import type { Call, World } from './model.ts';
import { createModelGroup } from './model-group.ts';
import { createInstance } from './model-instance.ts';
import { Violation } from './oracle.ts';
import { createProducers } from './producers.ts';
import type { ModelRow } from './sim-part.ts';
import { createWorld, type WorldOptions } from './world.ts';

export interface SimulationOptions extends WorldOptions {
  readonly steps: number;
  /** Gets a line for everything that happens. */
  readonly trace?: (line: string) => void;
}

export interface SimulationResult {
  /** Those with faults, and those in which the seed runs out. */
  readonly steps: number;
  /** At the end. */
  readonly rows: readonly ModelRow[];
}

/** Without faults everything comes to rest long before. */
const stepsToEndMax = 5_000;
const recordsAtStartMax = 20;

/**
 * One seed: a world, and a number of steps with faults, after each of which I2, I3 and I4 must hold. In every second seed as many
 * steps without faults follow as it takes until everything is stored. Throws a Violation that names seed and step.
 */
export function simulate(options: SimulationOptions): SimulationResult {
  const { seed, steps, trace } = options;
  const world = createWorld(options);
  const scheduler = createScheduler(world, trace);
  let step = 0;
  try {
    for (; step < steps; step += 1) scheduler.step();
    if (seed % 2 === 0) {
      scheduler.calmDown();
      for (; scheduler.step(); step += 1)
        if (step > steps + stepsToEndMax) throw new Violation('it does not come to rest');
      for (let partition = 0; partition < partitions; partition += 1) checkDone(world, partition);
    }
    const rows = world.clickhouse.rows();
    world.oracle.checkAll(rows);
    return { steps: step, rows };
  } catch (error) {
    if (error instanceof Violation) error.message = `seed ${seed}, step ${step}: ${error.message}`;
    throw error;
  }
}

function checkDone({ oracle, kafka }: World, partition: number): void {
  const missing = oracle.missing(partition);
  if (missing > 0 && kafka.start(partition) <= oracle.position(partition))
    throw new Violation(`${missing} records of partition ${partition} are never stored`);
}

interface Scheduler {
  /** Whether there was anything to do. */
  step(): boolean;
  /** No faults from now on. */
  calmDown(): void;
}

function createScheduler(world: World, trace: ((line: string) => void) | undefined): Scheduler {
  const { random, oracle, clickhouse, instances } = world;
  const group = createModelGroup(world);
  const producers = createProducers(world);
  for (let n = random.below(recordsAtStartMax); n > 0; n -= 1) producers.produce();

  return {
    step() {
      world.nowMs += random.below(12);
      const choices = choicesOf(world, group, producers);
      let dice = random.next() * choices.reduce((sum, { weight }) => sum + weight, 0);
      const choice = choices.find(({ weight }) => (dice -= weight) < 0) ?? choices.at(-1);
      if (choice === undefined) return false;
      trace?.(`${world.nowMs} ms: ${choice.name}`);
      choice.act();
      if (world.calls.some(isForgotten)) world.calls = world.calls.filter((call) => !isForgotten(call));
      const rows = clickhouse.takeNewRows();
      if (trace !== undefined) for (const row of rows) trace(textOf(row));
      oracle.check(rows);
      return true;
    },
    calmDown() {
      world.isFaulty = false;
      world.isLateSchemaKnown = true;
      for (const instance of instances) {
        instance.isFrozen = false;
        instance.isLinked = true;
      }
      instances.forEach((instance, index) => {
        if (!instance.isAlive) instances[index] = createInstance(world, instance.name);
      });
      group.rebalance();
    },
  };
}

const isForgotten = (call: Call): boolean => call.isServerDone && (call.isClientGone || call.answer === undefined);

function textOf(row: ModelRow): string {
  return `  stored: ${row.src_partition}@${row.src_offset} ${row.tenant_id}/${row.seq} ${row.status} …${row.id.slice(-8)}`;
}
