import { createClickHouse, queryClickhouseConfig } from '@docket/clickhouse';
import { createDirectoryView } from '@docket/directory';
import { createKafka } from '@docket/kafka';
import { createStartCheck, healthOf, type App, type AppPorts } from '@docket/runtime';
import { createAnswerBudget } from './pages/answer-bytes.ts';
import { createLogReader } from './pages/clickhouse-log-reader.ts';
import type { Config } from './config.ts';
import { createPublishing } from './create-publishing.ts';
import { createCredentialWatch } from './gate/credential-watch.ts';
import { createCursorSeal } from './pages/cursor-seal.ts';
import { createExports } from './exports/create-exports.ts';
import { createCallers } from './http/caller.ts';
import { createQueryRouter } from './http/query-router.ts';
import { checkTenantLock } from './gate/lock-check.ts';
import { createQueryMetrics } from './metrics.ts';
import { createPlaces } from './gate/places.ts';
import { createReadGate } from './gate/read-gate.ts';
import { createLogPages } from './tail/log-pages.ts';
import { createTailSender } from './tail/tail-sender.ts';
import { readTokenKeys } from './tokens/token-keys.ts';
import { createViewerTokens } from './tokens/viewer-tokens.ts';

/**
 * The query service: reads of the log for tenants and operators. It answers from ClickHouse alone; Kafka gives it the
 * directory of keys, and takes the events that tell who has read. Any number of instances; what one has not told yet is in
 * its spool.
 */
export function createQueryApp(config: Config, ports: AppPorts): App {
  const { logger } = ports;
  const metrics = createQueryMetrics(ports.metrics);
  const clickhouse = createClickHouse(queryClickhouseConfig(config), { connectionsMax: config.queryConcurrencyMax });
  const kafka = createKafka(config, { logger, clientId: 'docket-query' });
  const directory = createDirectoryView(kafka, { metrics: ports.metrics, onCrash: (error) => ports.exit(error) });
  const limits = {
    processMax: config.queryConcurrencyMax,
    tenantMax: config.queryTenantConcurrencyMax,
    keyMax: config.queryKeyConcurrencyMax,
  };
  const gate = createReadGate(limits, metrics);
  const answers = createAnswerBudget(config.queryAnswerBytesMax, metrics);
  const reader = createLogReader({ clickhouse, gate, answers, timeoutMs: config.queryTimeoutMs });
  const tables = createStartCheck({
    name: 'clickhouse',
    logger,
    probe: () => checkTenantLock(clickhouse),
  });

  const publishing = createPublishing(config, kafka, ports);
  const tokenKeys = readTokenKeys(config.tokenKeys);
  const tokens = createViewerTokens(tokenKeys);
  const callers = createCallers(directory, tokens, publishing.keyUses);
  const watch = createCredentialWatch((caller, tenantId) => callers.mayStillRead(caller, tenantId));
  // Each export has two statements; the log may say nothing for as long as it is searched.
  const exportClickhouse = createClickHouse(queryClickhouseConfig(config), {
    connectionsMax: 2 * config.exportConcurrencyMax,
    silenceMs: config.exportTimeoutMs,
  });
  const recordsClickhouse = createClickHouse({
    ...queryClickhouseConfig(config),
    clickhouseUser: config.clickhouseExportsUser,
  });
  const exports = createExports(config, { recordsClickhouse, exportClickhouse, watch, tokenKeys, metrics, logger });
  const pages = createLogPages(reader);
  const tails = createTailSender({
    pages,
    places: createPlaces(
      {
        processMax: config.tailStreamsMax,
        tenantMax: Math.ceil(config.tailStreamsMax / 2),
        keyMax: config.tailKeyStreamsMax,
      },
      metrics.tails,
    ),
    answers,
    watch,
    metrics,
    pollMs: config.tailPollMs,
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
    rangeDaysMax: config.queryRangeDaysMax,
    waitersMax: config.queryWaitersMax,
    viewerOrigins: config.viewerOrigins,
    redriver: publishing.redriver,
    clientAddress: publishing.clientAddress,
    keepReading: publishing.keepReading,
  });

  return {
    router,
    async start() {
      directory.start();
      tables.start();
      await publishing.start();
    },
    drain: () => tails.drain(),
    async stop() {
      tables.stop();
      await Promise.all([directory.stop(), publishing.stop()]);
      // They have ended with their connections; how is still being written down.
      await exports.sender.idle();
      await Promise.all([clickhouse, exportClickhouse, recordsClickhouse].map((client) => client.close()));
    },
    health: () => healthOf({ directory: directory.check(), clickhouse: tables.check(), ...publishing.checks() }),
  };
}
