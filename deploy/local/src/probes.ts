import { connect } from 'node:net';
import { clickhouseProbe, readClickHouseProbe } from './clickhouse-mapper.ts';
import { decodeMetadataResponse, encodeMetadataRequest } from './kafka-protocol-mapper.ts';
import { readRegistryInfo } from './registry-mapper.ts';

/** Whether a server answers and is the one that was started; `version` is '' where the server does not tell it. */
export type ProbeResult = { ready: true; version: string } | { ready: false; detail: string };

const probeDeadlineMs = 2000;

/** Ready when the cluster with this id answers and has its broker registered. */
export async function probeKafka(port: number, clusterId: string): Promise<ProbeResult> {
  try {
    const cluster = await describeCluster(port);
    if (cluster.clusterId !== clusterId) {
      return { ready: false, detail: `another cluster answers at port ${port}: ${cluster.clusterId}` };
    }
    return cluster.brokers.length === 0
      ? { ready: false, detail: 'no broker is registered yet' }
      : { ready: true, version: '' };
  } catch (error) {
    return { ready: false, detail: explain(error) };
  }
}

export async function probeRegistry(port: number, token: string): Promise<ProbeResult> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/apis/registry/v2/system/info`, {
      signal: AbortSignal.timeout(probeDeadlineMs),
    });
    const { ours, version } = readRegistryInfo(await response.json(), token);
    return ours ? { ready: true, version } : { ready: false, detail: `another server answers at port ${port}` };
  } catch (error) {
    return { ready: false, detail: explain(error) };
  }
}

export async function probeClickHouse(
  port: number,
  credentials: { user: string; password: string; token: string },
): Promise<ProbeResult> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/?query=${encodeURIComponent(clickhouseProbe)}`, {
      headers: { 'x-clickhouse-user': credentials.user, 'x-clickhouse-key': credentials.password },
      signal: AbortSignal.timeout(probeDeadlineMs),
    });
    const version = readClickHouseProbe(await response.text(), credentials.token);
    return version === null
      ? { ready: false, detail: `another server answers at port ${port}` }
      : { ready: true, version };
  } catch (error) {
    return { ready: false, detail: explain(error) };
  }
}

function describeCluster(port: number) {
  return new Promise<NonNullable<ReturnType<typeof decodeMetadataResponse>>>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(encodeMetadataRequest()));
    let received = Buffer.alloc(0);
    socket.setTimeout(probeDeadlineMs, () => socket.destroy(new Error(`no answer within ${probeDeadlineMs} ms`)));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      try {
        const cluster = decodeMetadataResponse(received);
        if (cluster === null) return;
        resolve(cluster);
        socket.destroy();
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('connection closed without an answer')));
  });
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? cause.message : error.message;
}
