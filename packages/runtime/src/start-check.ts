import type { HealthCheck } from './app.ts';
import { DocketError } from './errors/docket-error.ts';
import type { Logger } from './logger.ts';

export interface StartCheck<Found> {
  /** Begins to ask and returns. */
  start(): void;
  /** Asks no more. An answer under way is dropped. */
  stop(): void;
  /** What was found; undefined until then. */
  found(): Found | undefined;
  /** For a service's health: ok from the first success on. Later outages are for the requests that meet them to report, not for readiness. */
  check(): HealthCheck;
}

/**
 * Asks until what a service stands on is right, because it may be put right after the service has started (a topic, a schema). A new problem is logged
 * once, as `start_check.failed`.
 */
export function createStartCheck<Found>(options: {
  readonly name: string;
  readonly logger: Logger;
  readonly probe: () => Promise<Found>;
  readonly retryMs?: number;
}): StartCheck<Found> {
  const { name, logger, probe, retryMs = 1_000 } = options;
  let found: { readonly value: Found } | undefined;
  let problem = 'has not been checked yet';
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;

  const ask = async (): Promise<void> => {
    try {
      const value = await probe();
      found = { value };
    } catch (error) {
      if (isStopped) return;
      const detail = error instanceof DocketError ? error.message : 'failed; the log says why';
      if (detail !== problem) logger.warn({ check: name, err: error }, 'start_check.failed');
      problem = detail;
      timer = setTimeout(() => void ask(), retryMs);
    }
  };

  return {
    start: () => void ask(),
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
    },
    found: () => found?.value,
    check: () => (found === undefined ? { ok: false, detail: problem } : { ok: true }),
  };
}
