import { describe, expect, test } from '@jest/globals';
import { pools } from '../../../services/delivery/src/slots/slot-policy.ts';
import { createCoverage, type Coverage } from '../coverage.ts';
import { Violation } from '../oracle.ts';
import { nothingPlanted, plants, type DeliveryPlant } from './delivery-plants.ts';
import { simulateDelivery } from './delivery-simulation.ts';
import { behaviours } from './model-receiver.ts';

const seeds = 5_000;
const steps = 220;
const seedsOfPlants = 1_000;
const hitsMin = 100;
/** Of what is seldom there: events that are parked, notices, suspensions, wide windows that fail, and parked events that are sent again while the receiver refuses. */
const rareHitsMin = 20;
const deadlineMs = 600_000;

/** `DOCKET_SIM_SEED=17 npm test -- test/sim/delivery` replays one seed and prints everything that happens in it. */
const replayed = process.env['DOCKET_SIM_SEED'];

const effects = ['locate', 'ask', 'release', 'read', 'read_parked', 'send', 'wake', 'forget_parked', 'save'];
const calls = ['rows', 'place', 'send', 'write'];
/** What has to meet what; everything that was counted is in `coverage`. */
const required: readonly (readonly [string, readonly string[]])[] = [
  ['crash before', effects],
  ['crash during', calls],
  ['error', calls],
  ['lost answer', calls],
  ['late landing', ['send', 'write']],
  ['ClickHouse down', ['rows', 'place']],
  ['Kafka down', ['write']],
  ['rebalance', ['idle', 'lingering', 'queued', 'reading', 'sending', 'resting']],
  ['operator', ['asks for a parked event', 'dismisses a parked event', 'resumes', 'resumes from now']],
  ['retention', ['cuts']],
  ['window', ['taken']],
  ['ok', ['range']],
  ['slot', [...pools, 'slow', 'narrow']],
  ...[...behaviours, 'gone'].map((behaviour) => [behaviour, ['stream']] as const),
  ['ok', ['probe', 'parked']],
];
const requiredRarely: typeof required = [
  ['rebalance', ['suspended']],
  ['crash before', ['keep_parked']],
  ['window', ['partly taken', 'not taken']],
  ['refuse', ['probe']],
  ...['crash before', 'crash during', 'error', 'lost answer', 'late landing'].map(
    (fault) => [fault, ['tell']] as const,
  ),
  ...['refuse', 'flip'].map((behaviour) => [behaviour, ['parked']] as const),
];

interface Run {
  readonly plant?: DeliveryPlant;
  readonly coverage?: Coverage;
}

/** One seed; a failure shows what led to it. */
async function run(seed: number, { plant = nothingPlanted, coverage = createCoverage() }: Run = {}): Promise<void> {
  try {
    await simulateDelivery({ seed, steps, plant, coverage });
  } catch (error) {
    const lines = (await traceOf(seed, plant)).slice(-60);
    if (error instanceof Violation)
      error.message += `\n${lines.join('\n')}\nThe whole seed: DOCKET_SIM_SEED=${seed} npm test -- test/sim/delivery`;
    throw error;
  }
}

async function traceOf(seed: number, plant = nothingPlanted): Promise<string[]> {
  const lines: string[] = [];
  try {
    await simulateDelivery({ seed, steps, plant, coverage: createCoverage(), trace: (line) => lines.push(line) });
  } catch (error) {
    lines.push(String(error));
  }
  return lines;
}

/** The first seed that finds a planted bug; undefined when none does. */
async function findSeed(plant: DeliveryPlant): Promise<string | undefined> {
  for (let seed = 0; seed < seedsOfPlants; seed += 1) {
    try {
      await simulateDelivery({ seed, steps, plant, coverage: createCoverage() });
    } catch (error) {
      if (error instanceof Violation) return error.message;
      throw error;
    }
  }
  return undefined;
}

if (replayed !== undefined) {
  test(`seed ${replayed}`, async () => {
    process.stderr.write(`${(await traceOf(Number(replayed))).join('\n')}\n`);
    await run(Number(replayed));
  });
}

describe('delivery under a seeded scheduler', () => {
  const coverage = createCoverage();

  test(
    `I6, I7: ${seeds} seeds of ${steps} steps with everything that can go wrong`,
    async () => {
      for (let seed = 0; seed < seeds; seed += 1) await run(seed, { coverage });
    },
    deadlineMs,
  );

  test.each([
    [hitsMin, required],
    [rareHitsMin, requiredRarely],
  ])('every fault has met every step at least %i times', (least, pairs) => {
    const seldom = pairs.flatMap(([fault, met]) =>
      met
        .filter((step) => coverage.count(fault, step) < least)
        .map((step) => `${fault} × ${step}: ${coverage.count(fault, step)}`),
    );
    expect(seldom).toEqual([]);
  });

  test('a seed is a seed: the same steps again', async () => {
    expect(await traceOf(16)).toEqual(await traceOf(16));
    expect(await traceOf(16)).not.toEqual(await traceOf(20));
  });
});

describe(`a bug that is planted is found within ${seedsOfPlants} seeds`, () => {
  test.each(Object.entries(plants))(
    '%s',
    async (_name, plant) => {
      const found = await findSeed(plant);
      expect(found).toMatch(/^seed \d+, step \d+: /);
    },
    deadlineMs,
  );
});
