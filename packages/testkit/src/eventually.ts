import { setTimeout as delay } from 'node:timers/promises';

export interface EventuallyOptions {
  /** What is waited for; ends the sentence "… did not happen". */
  readonly what: string;
  /** Default 30 s: on two busy cores a consumer group alone may take ten. */
  readonly deadlineMs?: number;
  /** Default 50 ms between two tries. */
  readonly intervalMs?: number;
}

/**
 * Waits for a condition: resolves with the first value of `probe` that is not undefined, null or false. A probe that throws has not happened yet.
 * Rejects at the deadline, naming `what`, with the last error as its cause. Tests wait with this, never by sleeping.
 */
export async function eventually<T>(
  probe: () => T | Promise<T>,
  options: EventuallyOptions,
): Promise<Exclude<T, undefined | null | false>> {
  const { what, deadlineMs = 30_000, intervalMs = 50 } = options;
  const giveUpAtMs = Date.now() + deadlineMs;
  let lastError: unknown;
  for (;;) {
    try {
      const value = await probe();
      lastError = undefined;
      if (isThere(value)) return value;
    } catch (error) {
      lastError = error;
    }
    if (Date.now() >= giveUpAtMs) {
      throw new Error(`${what} did not happen within ${deadlineMs} ms`, { cause: lastError });
    }
    await delay(intervalMs);
  }
}

function isThere<T>(value: T): value is Exclude<T, undefined | null | false> {
  return value !== undefined && value !== null && value !== false;
}
