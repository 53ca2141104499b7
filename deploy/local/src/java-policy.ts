import type { Problem } from './problem-policy.ts';

/** Kafka 4 runs on Java 17 and newer. */
const javaMajorMin = 17;

/** The version named by `java -version` ("17.0.15", "1.8.0_402", "25-ea"), or null when the text names none. */
export function parseJavaVersion(output: string): string | null {
  return /\bversion "([^"]+)"/.exec(output)?.[1] ?? null;
}

/** What speaks against this Java, or null. `output` is null when the program could not be run. */
export function judgeJava(output: string | null): Problem | null {
  const version = output === null ? null : parseJavaVersion(output);
  if (version === null) return { kind: 'java-missing' };
  return javaMajor(version) < javaMajorMin ? { kind: 'java-too-old', version } : null;
}

function javaMajor(version: string): number {
  const [first, second] = version.split(/[.\-_+]/).map(Number);
  // Up to Java 8 the major version stood second: 1.8.0.
  return (first === 1 ? second : first) ?? 0;
}
