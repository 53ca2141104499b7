import { createDocket } from '@docket/sdk';
import { createSaasApp } from './app.ts';
import { seed } from './seed.ts';
import { createStore } from './store.ts';

const settings = {
  port: Number(required('HTTP_PORT')),
  docketUrl: required('DOCKET_URL'),
  docketKey: required('DOCKET_KEY'),
  seedPassword: required('SEED_PASSWORD'),
  /** Where events wait that are not in the log yet. In production: a volume that outlives the container. */
  spoolDir: required('SPOOL_DIR'),
};

const docket = createDocket({
  url: settings.docketUrl,
  key: settings.docketKey,
  source: { service: 'saas-app', version: '0.1.0' },
  spool: { dir: settings.spoolDir },
  onFailure: (failure) => log({ msg: 'audit.failure', ...failure }),
});
const store = createStore();
await seed(store, settings.seedPassword);
const app = createSaasApp(store, docket, (error) => log({ msg: 'request.failed', error: String(error) }));
const server = app.listen(settings.port, '127.0.0.1', () => {
  const address = server.address();
  log({ msg: 'http.listening', port: typeof address === 'object' ? address?.port : settings.port });
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    void stop();
  });
}

/** Requests first, then what they recorded. */
async function stop(): Promise<void> {
  await new Promise((resolve) => server.close(resolve));
  const closed = await docket.close();
  log({ msg: 'stopped', ...docket.stats(), ...closed });
  process.exitCode = closed.ok ? 0 : 1;
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`set ${name}`);
  return value;
}

function log(entry: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`);
}
