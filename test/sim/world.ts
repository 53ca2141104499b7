import type { Coverage } from './coverage.ts';
import { partitions } from './events.ts';
import { createModelClickHouse } from './model-clickhouse.ts';
import { createInstance } from './model-instance.ts';
import { createModelKafka } from './model-kafka.ts';
import type { Temper, World } from './model.ts';
import { createOracle } from './oracle.ts';
import type { Plant } from './plants.ts';
import { createRandom, type Random } from './random.ts';
import type { CreateIntake } from './sim-part.ts';

export interface WorldOptions {
  readonly seed: number;
  readonly plant: Plant;
  readonly coverage: Coverage;
  readonly createIntake: CreateIntake;
}

export function createWorld({ seed, plant, coverage, createIntake }: WorldOptions): World {
  const random = createRandom(seed);
  const oracle = createOracle();
  const world: World = {
    random,
    oracle,
    coverage,
    plant,
    createIntake,
    kafka: createModelKafka(oracle),
    clickhouse: createModelClickHouse({ guardRule: plant.guardRule }),
    instances: [],
    calls: [],
    nowMs: 0,
    isLateSchemaKnown: false,
    owners: 0,
    isFaulty: true,
    temper: temperOf(random),
  };
  // What earlier assignments have left behind: every partition has been claimed another number of times.
  const epochs = Array.from({ length: partitions }, (_, partition): [number, number] => [partition, random.below(6)]);
  world.clickhouse.writeClaim('nobody', new Map(epochs));
  for (let name = 0; name < 2 + random.below(2); name += 1) world.instances.push(createInstance(world, name));
  return world;
}

/** Most seeds have a bit of everything; in some, zombies are at large and little else goes wrong. */
function temperOf(random: Random): Temper {
  if (random.chance(0.3))
    return { faultiness: 0.1, unrest: 4, deafness: 0.8, insertSlowness: 0.4, slowness: 0, writing: 2 };
  const faultiness = 0.1 + random.next() * 0.9;
  return { faultiness, unrest: faultiness, deafness: 0.3, insertSlowness: 0.1, slowness: 0.1, writing: 1 };
}
