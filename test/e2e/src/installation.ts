import { startReceiver, startService, type Receiver, type ServiceProcess } from '@docket/testkit';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Env = Readonly<Record<string, string>>;

export type ServiceName = 'admin' | 'query' | 'gateway' | 'ingestor' | 'delivery';

export interface Receivers {
  readonly healthy: Receiver;
  readonly failing: Receiver;
}

/** The five services as processes, with two receivers that they may deliver to. */
export interface Installation {
  /** The stack's settings and the installation's own: what every process of it needs. */
  readonly env: Env;
  /** The public door. */
  readonly gatewayUrl: string;
  /** DOCKET_BOOTSTRAP_TOKEN. */
  readonly bootstrapToken: string;
  readonly receivers: Receivers;
  /** By name; a service that was restarted is here once. */
  readonly processes: ReadonlyMap<string, ServiceProcess>;
  /** Starts a service again after its process has ended. */
  restart(name: ServiceName): Promise<void>;
  /** Starts the example application as a customer's developer would; resolves with its URL. */
  startSaasApp(key: string, seedPassword: string): Promise<string>;
  /** Stops everything it started, each in time; rejects naming what did not end well. */
  stop(): Promise<void>;
}

export interface InstallationOptions {
  /** Where the stack is, and the names that are the installation's own: KAFKA_BROKERS, CLICKHOUSE_DATABASE and so on. */
  stackEnv: Env;
  /** Of the gateway and of the application: taken if free. Default: free ones. */
  gatewayPort?: number;
  saasAppPort?: number;
  report: (line: string) => void;
}

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** `docket verify` reads everything; on a busy machine a minute is not much. */
const commandTimeoutMs = 300_000;

/** Migrates, then starts receivers and services. Rejects with the end of the log of what does not become ready; nothing runs then. */
export async function startInstallation(options: InstallationOptions): Promise<Installation> {
  const { report } = options;
  const processes = new Map<string, ServiceProcess>();
  const receivers = { healthy: await startReceiver(), failing: await startReceiver() };
  const bootstrapToken = randomBytes(24).toString('hex');
  const spoolDir = await mkdtemp(join(tmpdir(), 'docket-trail-'));
  const appSpoolDir = await mkdtemp(join(tmpdir(), 'docket-sdk-'));
  const env = { ...environmentOf(options.stackEnv, bootstrapToken, receivers), TRAIL_SPOOL_DIR: spoolDir };
  const stop = async (): Promise<void> => {
    await stopAll(processes, receivers);
    for (const dir of [spoolDir, appSpoolDir]) await rm(dir, { recursive: true, force: true });
  };

  async function start(name: string, settings: Env, command?: readonly [string, ...string[]]): Promise<ServiceProcess> {
    const started = await startService(name, settings, command === undefined ? {} : { command });
    processes.set(name, started);
    report(`${name} is ready at ${started.url} (pid ${started.pid})`);
    return started;
  }

  try {
    const { code, output, errors } = await runDocket(env, 'migrate');
    if (code !== 0) throw new Error(`docket migrate failed: ${output}${errors}`);
    report(output.trim());
    const behind = (['query', 'admin', 'ingestor', 'delivery'] as const).map((name) => start(name, env));
    const [query, admin, , delivery] = await Promise.all(behind);
    const gatewayEnv = {
      ...env,
      QUERY_URL: query?.url ?? '',
      ADMIN_URL: admin?.url ?? '',
      DELIVERY_URL: delivery?.url ?? '',
    };
    const gateway = await start('gateway', { ...gatewayEnv, HTTP_PORT: await portOrFree(options.gatewayPort) });
    return {
      env,
      gatewayUrl: gateway.url,
      bootstrapToken,
      receivers,
      processes,
      restart: async (name) => void (await start(name, name === 'gateway' ? gatewayEnv : env)),
      async startSaasApp(key, seedPassword) {
        const settings = {
          DOCKET_URL: gateway.url,
          DOCKET_KEY: key,
          SEED_PASSWORD: seedPassword,
          SPOOL_DIR: appSpoolDir,
        };
        const port = await portOrFree(options.saasAppPort);
        const main = `${root}/examples/saas-app/dist/main.js`;
        const app = await start('saas-app', { ...settings, HTTP_PORT: port }, [process.execPath, main]);
        return app.url;
      },
      stop,
    };
  } catch (error) {
    // What is up already must not outlive the failed start; why it failed matters more than how the rest stops.
    await stop().catch(() => undefined);
    throw error;
  }
}

function environmentOf(stackEnv: Env, bootstrapToken: string, { healthy, failing }: Receivers): Env {
  return {
    ...stackEnv,
    DOCKET_MASTER_KEY: randomBytes(32).toString('base64'),
    DOCKET_TOKEN_KEYS: randomBytes(32).toString('base64'),
    DOCKET_BOOTSTRAP_TOKEN: bootstrapToken,
    // The receivers are on the loopback, where the guard would not let anybody deliver to.
    SINK_ALLOWED_HOSTS: `127.0.0.1:${healthy.port},127.0.0.1:${failing.port}`,
  };
}

export interface CommandAnswer {
  code: number;
  output: string;
  errors: string;
}

/** Runs the docket command. A command that fails is an answer with its exit code. */
export function runDocket(env: Env, ...args: string[]): Promise<CommandAnswer> {
  const command = [`${root}/services/cli/dist/main.js`, ...args];
  const settings = { env: { PATH: process.env['PATH'], ...env }, timeout: commandTimeoutMs };
  return new Promise((resolve) => {
    execFile(process.execPath, command, settings, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, output: stdout, errors: stderr });
    });
  });
}

/** Who calls is stopped before who is called, so that everything under way still arrives. */
async function stopAll(processes: ReadonlyMap<string, ServiceProcess>, receivers: Receivers): Promise<void> {
  const callers = ['saas-app', 'gateway'];
  const others = [...processes.keys()].filter((name) => !callers.includes(name));
  const failures: string[] = [];
  for (const wave of [...callers.map((name) => [name]), others]) {
    const ends = await Promise.all(wave.map((name) => howItEnded(name, processes.get(name))));
    failures.push(...ends.flat());
  }
  await Promise.all([receivers.healthy.close(), receivers.failing.close()]);
  if (failures.length > 0) throw new Error(failures.join('; '));
}

/** What is wrong with how a process ended; nothing when it was never started. */
async function howItEnded(name: string, service: ServiceProcess | undefined): Promise<string[]> {
  try {
    const end = await service?.stop();
    return end === undefined || end.code === 0 ? [] : [`${name} ended with ${end.signal ?? `code ${end.code}`}`];
  } catch (error) {
    return [`${name}: ${String(error)}`];
  }
}

/** The wanted port if nobody has it, otherwise 0: a free one. */
async function portOrFree(wanted: number | undefined): Promise<string> {
  if (wanted === undefined) return '0';
  const isFree = await new Promise<boolean>((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(wanted, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
  return isFree ? String(wanted) : '0';
}
