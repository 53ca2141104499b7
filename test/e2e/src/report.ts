/** What the person at the terminal sees: one line for each step and each check. */
export interface Report {
  /** Something that happened. */
  say: (line: string) => void;
  /**
   * Runs a check, and prints PASS with what it resolves to, or FAIL with why it rejected. A failed check does not end the
   * others.
   */
  check: (name: string, run: () => Promise<string>) => Promise<void>;
  failures: () => readonly string[];
}

export function createReport(write: (text: string) => void): Report {
  const failures: string[] = [];
  const say = (line: string): void => write(`${line}\n`);
  return {
    say,
    async check(name, run) {
      try {
        say(`PASS ${name}: ${await run()}`);
      } catch (error) {
        failures.push(name);
        say(`FAIL ${name}: ${reasonOf(error)}`);
      }
    },
    failures: () => failures,
  };
}

/** With its causes: the deadline that passed, and the last thing seen before it. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} (${reasonOf(error.cause)})`;
}

/** Throws unless it holds; the message says what was seen. */
export function expectThat(holds: boolean, seen: string): asserts holds {
  if (!holds) throw new Error(seen);
}
