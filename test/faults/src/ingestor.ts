import { residentBytesOf, startService, type ServiceProcess } from '@docket/testkit';
import type { Drain } from './drain.ts';

/** Those that have not ended yet. */
const running = new Set<ServiceProcess>();

/** Starts an ingestor of the drain's world; resolves when it serves HTTP, which is before it has joined its group. */
export async function startIngestor(drain: Drain, env: Readonly<Record<string, string>> = {}): Promise<ServiceProcess> {
  return noteRunning(await startService('ingestor', { ...drain.world.env, ...env }, { until: 'listening' }));
}

/** Remembers a service until it has ended, so that a failed case leaves none behind. */
export function noteRunning(service: ServiceProcess): ServiceProcess {
  running.add(service);
  void service.exited.then(() => running.delete(service));
  return service;
}

/** For a case that has failed: nothing of it is left running. Gives the log of each that was. */
export async function endIngestors(): Promise<string[]> {
  const left = [...running];
  await Promise.all(left.map((ingestor) => ingestor.kill('SIGKILL')));
  return left.map(({ logs }) => logs.join('\n'));
}

/** The value of a metric without labels, or the sum over all labels; with `labels`, of the series whose labels contain that text. */
export async function metricOf(ingestor: ServiceProcess, name: string, labels = ''): Promise<number> {
  const response = await fetch(`${ingestor.url}/metrics`, { signal: AbortSignal.timeout(5_000) });
  let sum = 0;
  for (const line of (await response.text()).split('\n')) {
    const found = /^(\w+)(\{.*\})? (\S+)$/.exec(line);
    if (found?.[1] === name && (found[2] ?? '').includes(labels)) sum += Number(found[3]);
  }
  return sum;
}

export interface Readiness {
  readonly isReady: boolean;
  readonly text: string;
}

export async function readinessOf(ingestor: ServiceProcess): Promise<Readiness> {
  const response = await fetch(`${ingestor.url}/readyz`, { signal: AbortSignal.timeout(5_000) });
  return { isReady: response.ok, text: await response.text() };
}

/** The most memory that the process has ever had resident, in MiB. */
export function rssMiBPeakOf(service: ServiceProcess): number {
  return Math.round(residentBytesOf(service, 'peak') / 1024 / 1024);
}
