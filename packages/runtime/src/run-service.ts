import { collectDefaultMetrics, Registry } from 'prom-client';

import type { App, AppPorts } from './app.ts';
import { serveHttp } from './http/serve-http.ts';
import type { HttpServer } from './http/http-server.ts';
import { createLogger } from './logger.ts';
import type { Logger } from './logger.ts';
import { readSettings, SettingsError } from './settings/read-settings.ts';
import type { SettingDeclarations, SettingsOf } from './settings/read-settings.ts';
import { httpSettings, logSettings } from './settings/service-settings.ts';

/** The whole stop: kubernetes kills after 30 s, compose after 10 s. */
const stopDeadlineMs = 10_000;
/** The part of it that requests under way get. */
const requestsDeadlineMs = 5_000;

export interface Service<Declarations extends SettingDeclarations> {
  readonly name: string;
  /** Beside these, HTTP_PORT, HTTP_HOST and LOG_LEVEL are read; a service's own declaration of the same key wins. */
  readonly settings: Declarations;
  readonly createApp?: (config: SettingsOf<Declarations>, ports: AppPorts) => App;
  /** Several apps in one process, by name: started in this order, stopped at once, because they share one deadline. */
  readonly createApps?: (config: SettingsOf<Declarations>, ports: AppPorts) => Readonly<Record<string, App>>;
}

/** The part of `process` that a service needs, so that tests can stand in for it. */
export interface ProcessHost {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stderr: { write(text: string): unknown };
  on(
    event: 'SIGTERM' | 'SIGINT' | 'uncaughtException' | 'unhandledRejection',
    listener: (reason: unknown) => void,
  ): unknown;
  exit(code: number): void;
}

const exitCodes = { clean: 0, failed: 1, badSettings: 2, secondSignal: 130 } as const;

/**
 * The life of a service's process, and the body of every main.ts. Exit codes: 0 after SIGTERM or SIGINT and a clean stop, 1 after a fatal error
 * or a stop that took longer than 10 s, 2 for bad settings (all named on stderr), 130 at the second signal.
 */
export async function runService<const Declarations extends SettingDeclarations>(
  service: Service<Declarations>,
  host: ProcessHost = process,
): Promise<void> {
  const config = configOrExit(service, host);
  if (config === undefined) return;
  const logger = createLogger({ service: service.name, level: config.process.logLevel });
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });

  let phase: 'starting' | 'running' | 'stopping' = 'starting';
  let apps: Readonly<Record<string, App>> = {};
  let server: HttpServer | undefined;
  const stop = async (exitCode: number): Promise<void> => {
    phase = 'stopping';
    const overdue = setTimeout(() => {
      logger.fatal({ deadline_ms: stopDeadlineMs }, 'service.stop_overdue');
      host.exit(exitCodes.failed);
    }, stopDeadlineMs);
    for (const app of Object.values(apps)) app.drain?.();
    await server?.close(requestsDeadlineMs);
    const failed = await stopApps(apps, logger);
    clearTimeout(overdue);
    logger.info('service.stopped');
    host.exit(failed ? exitCodes.failed : exitCode);
  };
  const fail = (reason: unknown): void => {
    if (phase === 'stopping') return;
    logger.fatal({ err: reason }, 'service.failed');
    void stop(exitCodes.failed);
  };
  const onCrash = (reason: unknown): void => {
    // After an unforeseen error the state is unknown: nothing may be finished or written on the way out.
    logger.fatal({ err: reason }, 'service.crashed');
    host.exit(exitCodes.failed);
  };
  const onSignal = (signal: unknown): void => {
    if (phase === 'stopping') {
      host.exit(exitCodes.secondSignal);
      return;
    }
    logger.info({ signal: String(signal) }, 'service.stopping');
    void stop(exitCodes.clean);
  };
  host.on('uncaughtException', onCrash);
  host.on('unhandledRejection', onCrash);
  host.on('SIGTERM', onSignal);
  host.on('SIGINT', onSignal);

  try {
    const ports: AppPorts = { logger, metrics, exit: fail };
    apps = appsOf(service, config.service, ports);
    const { httpPort: port, httpHost: address } = config.process;
    server = await serveHttp({ apps, logger, metrics, port, host: address, isStarted: () => phase === 'running' });
    for (const app of Object.values(apps)) await app.start();
    if (stillStarting(phase)) phase = 'running';
  } catch (error) {
    fail(error);
  }
}

/** Another turn may have changed the phase while apps were starting; a call keeps the compiler from assuming otherwise. */
function stillStarting(phase: string): boolean {
  return phase === 'starting';
}

function configOrExit<const Declarations extends SettingDeclarations>(
  service: Service<Declarations>,
  host: ProcessHost,
) {
  try {
    // One reading, so that all problems are named at once; the service's own declarations win.
    readSettings({ ...httpSettings, ...logSettings, ...service.settings }, host.env);
    const own: SettingDeclarations = service.settings;
    const shared = { httpPort: httpSettings.httpPort, httpHost: httpSettings.httpHost, logLevel: logSettings.logLevel };
    const httpPort = own['httpPort']?.default;
    if (typeof httpPort === 'number') shared.httpPort = { ...shared.httpPort, default: httpPort };
    return { process: readSettings(shared, host.env), service: readSettings(service.settings, host.env) };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    host.stderr.write(`docket ${service.name}: ${error.message}\n`);
    host.exit(exitCodes.badSettings);
    return undefined;
  }
}

function appsOf<const Declarations extends SettingDeclarations>(
  service: Service<Declarations>,
  config: SettingsOf<Declarations>,
  ports: AppPorts,
): Readonly<Record<string, App>> {
  const apps = service.createApps?.(config, ports) ?? {};
  return service.createApp === undefined ? apps : { ...apps, [service.name]: service.createApp(config, ports) };
}

async function stopApps(apps: Readonly<Record<string, App>>, logger: Logger): Promise<boolean> {
  const stopping = Object.entries(apps).map(async ([name, app]) => {
    try {
      await app.stop();
      return true;
    } catch (error) {
      logger.error({ err: error, app: name }, 'service.stop_failed');
      return false;
    }
  });
  return (await Promise.all(stopping)).includes(false);
}
