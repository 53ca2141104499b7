import { setTimeout as pause } from 'node:timers/promises';

const retryMs = 1_000;

/**
 * Asks until the topics are right (I1): they may be created after this service has started. Gives undefined when `signal`
 * aborts; never rejects.
 */
export async function untilTopicsAreRight<T>(
  check: () => Promise<T>,
  options: { readonly signal: AbortSignal; readonly onProblem: (problem: string) => void },
): Promise<T | undefined> {
  const { signal } = options;
  while (!signal.aborted) {
    try {
      return await check();
    } catch (error) {
      if (!signal.aborted) options.onProblem(error instanceof Error ? error.message : String(error));
      await pause(retryMs, undefined, { signal }).catch(() => undefined);
    }
  }
  return undefined;
}
