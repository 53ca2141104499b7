import { randomBytes } from 'node:crypto';

import { createLogger, readSettings, serveHttp } from '@docket/runtime';
import type { App, HttpServer } from '@docket/runtime';
import { createWorld, eventually } from '@docket/testkit';
import type { World } from '@docket/testkit';
import { Registry } from 'prom-client';

import { createAdminApp } from '../src/app.ts';
import { settings } from '../src/config.ts';

export const token = randomBytes(24).toString('hex');
export const masterKey = randomBytes(32).toString('base64');

export interface Admin {
  readonly app: App;
  readonly server: HttpServer;
  /** Why it asked for its process to end. */
  readonly ended: Promise<Error>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** Admins of one world, in this process. */
export interface Admins {
  readonly world: World;
  /** The last one is the active one. */
  readonly running: readonly Admin[];
  start(): Promise<Admin>;
  /** By default with the bootstrap token, to the first one. */
  call(
    method: string,
    path: string,
    body?: unknown,
    credential?: string,
    admin?: Admin,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  newKey(body: object): Promise<{ readonly id: string; readonly key: string }>;
  close(): Promise<void>;
}

export async function createAdmins(): Promise<Admins> {
  const world = await createWorld();
  const running: Admin[] = [];

  const call: Admins['call'] = async (method, path, body, credential = token, admin = running[0], headers = {}) => {
    const response = await fetch(`${admin?.server.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${credential}`,
        ...headers,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const parsed: unknown = text === '' ? {} : JSON.parse(text);
    return { status: response.status, headers: response.headers, body: { ...Object(parsed) } };
  };

  return {
    world,
    running,
    call,
    start: async () => {
      const admin = await startAdmin(world);
      running.push(admin);
      return admin;
    },
    newKey: async (body) => {
      const { status, body: made } = await call('POST', '/v1/keys', { name: 'test', ...body });
      if (status !== 201) throw new Error(`no key was made: status ${status}`);
      return { id: String(made['id']), key: String(made['key']) };
    },
    close: async () => {
      for (const { app, server } of running) {
        await server.close(0);
        await app.stop();
      }
      await world.close();
    },
  };
}

async function startAdmin(world: World): Promise<Admin> {
  const env = {
    ...world.env,
    DOCKET_BOOTSTRAP_TOKEN: token,
    DOCKET_MASTER_KEY: masterKey,
    SINK_ALLOWED_HOSTS: '127.0.0.1',
  };
  const logger = createLogger({ service: 'test', level: 'silent' });
  const metrics = new Registry();
  let exit: (error: Error) => void = () => undefined;
  const ended = new Promise<Error>((resolve) => (exit = resolve));
  const app = createAdminApp(readSettings(settings, env), { logger, metrics, exit });
  const server = await serveHttp({ apps: { admin: app }, logger, metrics, port: 0, host: '127.0.0.1' });
  await app.start();
  await eventually(() => app.health().ready, { what: 'an active admin' });
  return { app, server, ended };
}
