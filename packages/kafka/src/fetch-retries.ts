const firstMs = 1_000;
const longestMs = 30_000;

/** Partitions that wait before they are fetched again. */
export interface FetchRetries {
  /** Calls `retry` after a pause that doubles from 1 s to 30 s with each failure in a row. */
  schedule(partition: number, retry: () => void): { readonly failures: number; readonly retryInMs: number };
  /** Whether the partition was waiting, which it is no more. Failures count on. */
  cancel(partition: number): boolean;
  succeeded(partition: number): void;
  clear(): void;
}

export function createFetchRetries(): FetchRetries {
  const failuresOf = new Map<number, number>();
  const timers = new Map<number, NodeJS.Timeout>();

  const cancel = (partition: number): boolean => {
    clearTimeout(timers.get(partition));
    return timers.delete(partition);
  };

  return {
    schedule(partition, retry) {
      cancel(partition);
      const failures = (failuresOf.get(partition) ?? 0) + 1;
      failuresOf.set(partition, failures);
      const retryInMs = Math.min(longestMs, firstMs * 2 ** (failures - 1));
      const timer = setTimeout(() => {
        timers.delete(partition);
        retry();
      }, retryInMs);
      timers.set(partition, timer);
      return { failures, retryInMs };
    },
    cancel,
    succeeded: (partition) => void failuresOf.delete(partition),
    clear() {
      for (const partition of timers.keys()) cancel(partition);
      failuresOf.clear();
    },
  };
}
