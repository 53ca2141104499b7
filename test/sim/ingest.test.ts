import { describe, expect, test } from '@jest/globals';
import { createCoverage, type Coverage } from './coverage.ts';
import { Violation } from './oracle.ts';
import { nothingPlanted, plants, type Plant } from './plants.ts';
import { createReadableColumnIntake } from './readable-column-intake.ts';
import { createRowIntake } from './row-intake.ts';
import { simulate, type SimulationResult } from './simulation.ts';
import type { CreateIntake } from './sim-part.ts';

const seeds = 5_000;
const steps = 220;
const seedsOfPlants = 1_000;
/** Rows are read back from columns at some cost, so fewer seeds run with the ingestor's own intake. */
const seedsOfColumns = 60;
const hitsMin = 100;
const deadlineMs = 600_000;

/** `DOCKET_SIM_SEED=17 npm test -- test/sim` replays one seed and prints everything that happens in it. */
const replayed = process.env['DOCKET_SIM_SEED'];

const effects = ['claim', 'kill', 'readPlaces', 'readPast', 'publishStrays', 'insertBlock'];
const instant = [
  'keepHeads',
  'lookAgainLater',
  'resumeAt',
  'commit',
  'notePassed',
  'pause',
  'resume',
  'stopPartition',
  'wait',
  'wake',
  'backOff',
  'abandon',
];
/** What has to meet what; everything that was counted is in `coverage`. */
const required: readonly (readonly [string, readonly string[]])[] = [
  ['crash before', [...effects, ...instant]],
  ['freeze before', [...effects, ...instant]],
  ['crash during', effects],
  ['freeze during', effects],
  ['loss during', effects],
  ['error', effects],
  ['error after success', effects],
  ['lost answer', effects],
  ['late landing', [...effects, 'keepHeads']],
  ['restart', effects.filter((effect) => effect !== 'publishStrays')],
  ['unreachable', ['claim', 'insertBlock']],
  ['fenced', ['insertBlock', 'keepHeads']],
  ['killed', ['keepHeads']],
  ['refused', ['insertBlock', 'a single row']],
  ['killed', ['insertBlock']],
  ['several partitions', ['insertBlock']],
  ['retention', ['below the position', 'beyond the position']],
  ['operator', ['rows removed', 'topic recreated']],
  ['passed', ['and removed']],
];

interface Run {
  readonly plant?: Plant;
  readonly coverage?: Coverage;
  readonly createIntake?: CreateIntake;
}

/** One seed; a failure shows what led to it. */
function run(seed: number, options: Run = {}): SimulationResult {
  const complete = { seed, steps, plant: nothingPlanted, createIntake: createRowIntake, ...options };
  try {
    return simulate({ ...complete, coverage: options.coverage ?? createCoverage() });
  } catch (error) {
    const lines = traceOf(seed, options).slice(-60);
    if (error instanceof Violation)
      error.message += `\n${lines.join('\n')}\nThe whole seed: DOCKET_SIM_SEED=${seed} npm test -- test/sim`;
    throw error;
  }
}

function traceOf(seed: number, options: Run = {}): string[] {
  const lines: string[] = [];
  const complete = { seed, steps, plant: nothingPlanted, createIntake: createRowIntake, ...options };
  try {
    simulate({ ...complete, coverage: createCoverage(), trace: (line) => lines.push(line) });
  } catch (error) {
    lines.push(String(error));
  }
  return lines;
}

/** The first seed that finds a planted bug; undefined when none does. */
function findSeed(plant: Plant): { seed: number; message: string } | undefined {
  for (let seed = 0; seed < seedsOfPlants; seed += 1) {
    try {
      simulate({ seed, steps, plant, createIntake: createRowIntake, coverage: createCoverage() });
    } catch (error) {
      if (error instanceof Violation) return { seed, message: error.message };
      throw error;
    }
  }
  return undefined;
}

if (replayed !== undefined) {
  test(`seed ${replayed}`, () => {
    process.stderr.write(`${traceOf(Number(replayed)).join('\n')}\n`);
    run(Number(replayed));
  });
}

describe('the ingestor under a seeded scheduler', () => {
  const coverage = createCoverage();

  test(
    `I2, I3, I4: ${seeds} seeds of ${steps} steps with everything that can go wrong`,
    () => {
      for (let seed = 0; seed < seeds; seed += 1) run(seed, { coverage });
    },
    deadlineMs,
  );

  test(`every fault has met every step at least ${hitsMin} times`, () => {
    const seldom = required.flatMap(([fault, met]) =>
      met
        .filter((step) => coverage.count(fault, step) < hitsMin)
        .map((step) => `${fault} × ${step}: ${coverage.count(fault, step)}`),
    );
    expect(seldom).toEqual([]);
  });

  test('a seed is a seed: the same steps again', () => {
    expect(traceOf(17)).toEqual(traceOf(17));
    expect(traceOf(17)).not.toEqual(traceOf(18));
  });

  test(
    'the columns of the ingestor come to the same rows, at the same step, as the definition',
    () => {
      for (let seed = 0; seed < seedsOfColumns; seed += 1) {
        const columns = run(seed, { createIntake: createReadableColumnIntake });
        const defined = run(seed);
        expect({ seed, steps: columns.steps, rows: columns.rows.map(placeOf) }).toEqual({
          seed,
          steps: defined.steps,
          rows: defined.rows.map(placeOf),
        });
      }
    },
    deadlineMs,
  );
});

function placeOf(row: SimulationResult['rows'][number]): unknown[] {
  return [row.src_partition, row.src_offset, row.tenant_id, row.seq, row.id, row.status, row.content_hash];
}

describe(`a bug that is planted is found within ${seedsOfPlants} seeds`, () => {
  test.each(Object.entries(plants))(
    '%s',
    (_name, plant) => {
      expect(findSeed(plant)?.message).toMatch(/^seed \d+, step \d+: /);
    },
    deadlineMs,
  );
});
