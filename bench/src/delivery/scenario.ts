/** Figures of a scenario, units in the names. */
export type Figures = Record<string, number>;

export interface ScenarioContext {
  readonly say: (line: string) => void;
  /** How much of the full scenario is run: 1 is all of it. */
  readonly scale: number;
}

export interface Scenario {
  /** What it is chosen by: BENCH_SCENARIOS=single,batch */
  readonly name: string;
  run(context: ScenarioContext): Promise<Figures>;
}

export const rounded = (value: number): number => Math.round(value * 100) / 100;
