import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** One answer of the gateway, or none. Times are those of `nowMs`. */
export interface LoadAnswer {
  readonly atMs: number;
  readonly tookMs: number;
  /** 0: no answer. */
  readonly status: number;
  readonly hasRetryAfter: boolean;
  /** Its events have the ids of `idOfLoad`. */
  readonly requestNumber: number;
}

export interface LoadOptions {
  readonly url: string;
  readonly keys: readonly string[];
  readonly connections: number;
  readonly eventsPerRequest: number;
}

export interface GatewayLoad {
  /** Known some moments after they have come. */
  readonly answers: readonly LoadAnswer[];
  /** Ends it, once every request is answered and known. */
  stop(): Promise<void>;
}

/** One clock for all processes of a machine. */
export const nowMs = (): number => performance.timeOrigin + performance.now();

const hexOf = (number: number, digits: number): string => number.toString(16).padStart(digits, '0');
export const requestDigits = (requestNumber: number): string => hexOf(requestNumber, 8);

/** Every event has an id of its own, so that what was acknowledged can be looked for. */
export function idOfLoad(requestNumber: number, index: number): string {
  return `${requestDigits(requestNumber)}-0000-7000-8000-${hexOf(index, 12)}`;
}

const program = fileURLToPath(new URL('gateway-load-process.js', import.meta.url));

/** Starts gateway-load-process.ts. */
export function startGatewayLoad(options: LoadOptions): GatewayLoad {
  const answers: LoadAnswer[] = [];
  const child = fork(program, [JSON.stringify(options)]);
  child.on('message', (told: readonly LoadAnswer[]) => void answers.push(...told));
  const exited = once(child, 'exit');
  return {
    answers,
    async stop() {
      if (child.connected) child.send('stop');
      await exited;
    },
  };
}

/** Percentiles and the longest of the times to answer, in ms. */
export function timesOf(answers: readonly LoadAnswer[]): {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
} {
  const sorted = answers.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
