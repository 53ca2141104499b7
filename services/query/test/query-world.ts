import { randomBytes, randomUUID } from 'node:crypto';
import {
  clickhouseSettings,
  createBlock,
  createClickHouse,
  insertBlock,
  migrate,
  queryClickhouseConfig,
  queryClickhouseSettings,
  type ClickHouse,
} from '@docket/clickhouse';
import { createDirectoryState, newApiKey, parseApiKey, type ApiKey, type Scope } from '@docket/directory';
import { eventColumns, newEventId, type EventRow } from '@docket/event';
import { createLogger, readSettings, serveHttp, type App } from '@docket/runtime';
import { clickhouseMigrationsDirectory } from '@docket/schemas';
import { claimTestDatabase } from '@docket/testkit';
import { Registry } from 'prom-client';
import { createAnswerBudget } from '../src/pages/answer-bytes.ts';
import { createLogReader } from '../src/pages/clickhouse-log-reader.ts';
import { createCredentialWatch } from '../src/gate/credential-watch.ts';
import { createCursorSeal } from '../src/pages/cursor-seal.ts';
import { createExports, type ExportSettings } from '../src/exports/create-exports.ts';
import { createCallers } from '../src/http/caller.ts';
import { createQueryRouter } from '../src/http/query-router.ts';
import { createQueryMetrics } from '../src/metrics.ts';
import { createPlaces } from '../src/gate/places.ts';
import { createReadGate } from '../src/gate/read-gate.ts';
import { createLogPages } from '../src/tail/log-pages.ts';
import { createTailSender } from '../src/tail/tail-sender.ts';
import { readTokenKeys } from '../src/tokens/token-keys.ts';
import type { Reading, ReadingKind } from '../src/trail/reading.ts';
import { createViewerTokens } from '../src/tokens/viewer-tokens.ts';
import { internalColumns, storedRow } from './stored-row.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // The tests' own reading of an answer: whatever JSON came.
  readonly body: Record<string, unknown> & { data?: Record<string, unknown>[] };
}

export interface QueryWorld {
  /** As whoever writes: not held to a tenant. */
  readonly clickhouse: ClickHouse;
  /** As the service: held to the tenant that a request's header names. */
  readonly readers: ClickHouse;
  /** As the service when it writes down what it exported. */
  readonly records: ClickHouse;
  readonly url: string;
  /** As at SIGTERM. */
  drain(): void;
  /** Makes a key and gives its Authorization header. */
  key(tenants: readonly string[] | '*', scopes?: readonly Scope[]): string;
  store(rows: readonly Partial<EventRow>[]): Promise<void>;
  get(path: string, authorization?: string, signal?: AbortSignal): Promise<Answer>;
  post(path: string, authorization: string, body: unknown): Promise<Answer>;
  /** Makes a viewer token with a key and gives its Authorization header. */
  viewer(key: string, body: Readonly<Record<string, unknown>>): Promise<string>;
  /** Changes a key, as an admin would. */
  changeKey(key: string, change: Partial<ApiKey>): void;
  /** What was read so far, oldest first. */
  readonly readings: readonly KeptReading[];
  /** The value of a metric with these labels as they are written, 0 when it has none. */
  metric(name: string): Promise<number>;
  close(): Promise<void>;
}

export type KeptReading = Reading & { readonly kind: ReadingKind };

interface QueryWorldOptions {
  readonly rangeDaysMax?: number;
  readonly timeoutMs?: number;
  readonly answerBytesMax?: number;
  readonly viewerOrigins?: readonly string[];
  /** False: the service gets a user without row policies. */
  readonly isLocked?: boolean;
  readonly exports?: Partial<ExportSettings>;
  /** What the service gets in place of the real client, made of it. */
  readonly disturb?: (clickhouse: ClickHouse) => ClickHouse;
}

/** The routes of the query service over HTTP, on a database of its own in the real ClickHouse, with keys of the test. */
export async function createQueryWorld(options: QueryWorldOptions = {}): Promise<QueryWorld> {
  const {
    rangeDaysMax = 0,
    timeoutMs = 10_000,
    answerBytesMax = 64 * 1024 * 1024,
    disturb = (same) => same,
    isLocked = true,
    viewerOrigins = [],
  } = options;
  const stack = readSettings({ ...clickhouseSettings, ...queryClickhouseSettings }, process.env);
  const config = { ...stack, clickhouseDatabase: await claimTestDatabase(stack) };
  await migrate(config, { directory: clickhouseMigrationsDirectory });
  const clickhouse = createClickHouse(config);
  const readers = createClickHouse(queryClickhouseConfig(config));
  const records = createClickHouse({ ...queryClickhouseConfig(config), clickhouseUser: config.clickhouseExportsUser });
  const directory = createDirectoryState();
  const registry = new Registry();
  const metrics = createQueryMetrics(registry);
  const gate = createReadGate({ processMax: 32, tenantMax: 4, keyMax: 4 }, metrics);
  const answers = createAnswerBudget(answerBytesMax, metrics);
  const locked = disturb(isLocked ? readers : clickhouse);
  const reader = createLogReader({ clickhouse: locked, gate, answers, timeoutMs });
  const readings: KeptReading[] = [];
  const tokenKeys = readTokenKeys([randomBytes(32).toString('base64')]);
  const tokens = createViewerTokens(tokenKeys);
  const callers = createCallers({ ...directory, isCaughtUp: () => true }, tokens, { note: () => undefined });
  const watch = createCredentialWatch((caller, tenantId) => callers.mayStillRead(caller, tenantId));
  const logger = createLogger({ service: 'query-test', level: 'silent' });
  const exports = createExports(
    {
      exportConcurrencyMax: 3,
      exportKeyConcurrencyMax: 1,
      exportTimeoutMs: 60_000,
      exportRangeDaysMax: 0,
      ...options.exports,
    },
    {
      recordsClickhouse: records,
      exportClickhouse: locked,
      watch,
      tokenKeys,
      metrics,
      logger,
    },
  );
  const pages = createLogPages(reader);
  const tails = createTailSender({
    pages,
    places: createPlaces({ processMax: 8, tenantMax: 4, keyMax: 2 }, metrics.tails),
    answers,
    watch,
    metrics,
    pollMs: 50,
  });
  const router = createQueryRouter({
    pages,
    tails,
    callers,
    exports,
    tokens,
    cursors: createCursorSeal(tokenKeys),
    reader,
    gate,
    metrics,
    rangeDaysMax,
    waitersMax: 20,
    viewerOrigins,
    redriver: {
      read: () => Promise.resolve({ event: null, detail: 'no Kafka here' }),
      publish: () => Promise.reject(new Error('no Kafka here')),
    },
    clientAddress: () => '127.0.0.1',
    keepReading: (kind, reading) => {
      readings.push({ kind, ...reading });
      return Promise.resolve();
    },
  });
  const app: App = { router, start: async () => {}, stop: async () => {}, health: () => ({ ready: true, checks: {} }) };
  const server = await serveHttp({ apps: { query: app }, logger, metrics: registry, port: 0, host: '127.0.0.1' });

  const post: QueryWorld['post'] = async (path, authorization, body) => {
    const response = await fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as Answer['body'] };
  };

  return {
    clickhouse,
    readers,
    records,
    drain: () => tails.drain(),
    url: server.url,
    post,
    async viewer(key, body) {
      const answer = await post('/v1/viewer-tokens', key, body);
      if (answer.status !== 201) throw new Error(`no token: ${JSON.stringify(answer.body)}`);
      return `Bearer ${String(answer.body['token'])}`;
    },
    changeKey(key, change) {
      const entity = directory.key(parseApiKey(key.slice('Bearer '.length))?.id ?? '');
      if (entity === undefined) throw new Error('no such key');
      directory.apply({ type: 'put', entity: { ...entity, ...change } });
    },
    readings,
    key(tenants, scopes = ['events:read']) {
      const { id, text, secretSha256 } = newApiKey();
      const entity = {
        version: 1 as const,
        kind: 'key' as const,
        id,
        name: 'test',
        secret_sha256: secretSha256,
        scopes: [...scopes],
        tenants: tenants === '*' ? tenants : [...tenants],
        created_at: '2026-11-01T00:00:00.000Z',
      };
      directory.apply({ type: 'put', entity });
      return `Bearer ${text}`;
    },
    async store(rows) {
      const block = createBlock<EventRow>(eventColumns);
      for (const row of rows) block.append({ ...storedRow({ id: newEventId() }), ...internalColumns, ...row });
      const outcome = await insertBlock(clickhouse, { table: 'audit_events', block, token: randomUUID() });
      if (!outcome.ok) throw new Error(outcome.message);
    },
    async get(path, authorization, signal) {
      const response = await fetch(`${server.url}${path}`, {
        headers: authorization === undefined ? {} : { authorization },
        ...(signal === undefined ? {} : { signal }),
      });
      return { status: response.status, headers: response.headers, body: (await response.json()) as Answer['body'] };
    },
    async metric(name) {
      const text = await registry.metrics();
      const line = text.split('\n').find((each) => each.startsWith(`${name} `));
      return Number(line?.slice(name.length + 1) ?? 0);
    },
    async close() {
      await server.close(1_000);
      await exports.sender.idle();
      await clickhouse.command('DROP DATABASE IF EXISTS {database:Identifier} SYNC', {
        database: config.clickhouseDatabase,
      });
      await Promise.all([clickhouse, readers, records].map((client) => client.close()));
    },
  };
}
