/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

/** What `work` comes to; rejects as soon as the signal aborts. The work is then on its own: stop what it works on. */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const interrupted = aborted(signal).then(() => Promise.reject(new Error('interrupted')));
  return Promise.race([work, interrupted]);
}
