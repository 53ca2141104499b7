import { startService, type ServiceProcess } from '@docket/testkit';
import { noteRunning } from './ingestor.ts';

/** A service that dies and comes back, on the same port each time, so that its clients find it again. */
export interface Restartable {
  readonly name: string;
  readonly url: string;
  kill(): Promise<void>;
  suspend(): Promise<void>;
  resume(): Promise<void>;
  /** Resolves when it listens: what it needs may be away. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRestartable(
  name: string,
  service: string,
  env: Readonly<Record<string, string>>,
): Promise<Restartable> {
  let running: ServiceProcess = noteRunning(await startService(service, env));
  const { url } = running;
  const again = { ...env, HTTP_PORT: new URL(url).port };
  return {
    name,
    url,
    kill: () => running.kill('SIGKILL'),
    suspend: () => running.kill('SIGSTOP'),
    resume: () => running.kill('SIGCONT'),
    start: async () => {
      running = noteRunning(await startService(service, again, { until: 'listening' }));
    },
    stop: async () => void (await running.stop()),
  };
}
