import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { parseEnvFile } from './stack-env-mapper.ts';

const answerDeadlineMs = 3000;

/**
 * The settings in a stack.env file, if the stack that it names answers: Kafka takes a connection, the registry lists subjects, ClickHouse accepts
 * the credentials. Null when the file is missing or one of them does not: it may have been left by a crash.
 */
export async function findRunningStack(envFile: string): Promise<Record<string, string> | null> {
  const env = readEnvFile(envFile);
  if (env === null) return null;
  const answers = await Promise.all([kafkaListens(env), registryAnswers(env), clickhouseAnswers(env)]);
  return answers.every(Boolean) ? env : null;
}

function readEnvFile(file: string): Record<string, string> | null {
  try {
    return parseEnvFile(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

function kafkaListens(env: Record<string, string>): Promise<boolean> {
  const [host, port] = (env['KAFKA_BROKERS'] ?? '').split(',')[0]?.split(':') ?? [];
  if (host === undefined || port === undefined) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = connect(Number(port), host);
    socket.setTimeout(answerDeadlineMs, () => socket.destroy());
    socket.once('connect', () => {
      resolve(true);
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}

function registryAnswers(env: Record<string, string>): Promise<boolean> {
  return isOk(`${env['SCHEMA_REGISTRY_URL']}/subjects`, {});
}

function clickhouseAnswers(env: Record<string, string>): Promise<boolean> {
  return isOk(`${env['CLICKHOUSE_URL']}/?query=SELECT+1`, {
    'x-clickhouse-user': env['CLICKHOUSE_USER'] ?? '',
    'x-clickhouse-key': env['CLICKHOUSE_PASSWORD'] ?? '',
  });
}

async function isOk(url: string, headers: Record<string, string>): Promise<boolean> {
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(answerDeadlineMs) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
