import { newEventId } from '@docket/event';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';

/** One answer of the gateway, or none. */
export interface LoadAnswer {
  readonly atMs: number;
  readonly tookMs: number;
  /** 0: no answer. */
  readonly status: number;
  readonly hasRetryAfter: boolean;
  readonly ids: readonly string[];
}

export interface GatewayLoad {
  readonly answers: readonly LoadAnswer[];
  /** Ends it, once every request is answered. */
  stop(): Promise<void>;
}

interface LoadOptions {
  readonly url: string;
  readonly keys: readonly string[];
  readonly connections: number;
  readonly eventsPerRequest: number;
  /** Between an answer and the next request of a connection; default 0. */
  readonly pauseMs?: number;
}

/** Longer than the gateway may take: who waits so long has met a hang. */
const hangMs = 20_000;
const tenants = 200;

/** Sends batches over kept connections, each as soon as it is answered, or after a pause. Every event has an id of its own, so that what was acknowledged can be looked for. */
export function startGatewayLoad({ url, keys, connections, eventsPerRequest, pauseMs = 0 }: LoadOptions): GatewayLoad {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const answers: LoadAnswer[] = [];
  const stopping = new AbortController();
  const lines = Array.from({ length: connections }, async (_, line) => {
    const key = keys[line % keys.length] ?? '';
    while (!stopping.signal.aborted) {
      const ids = Array.from({ length: eventsPerRequest }, newEventId);
      const beganAtMs = performance.now();
      const { status, hasRetryAfter } = await post(agent, url, key, bodyOf(ids));
      answers.push({ atMs: beganAtMs, tookMs: performance.now() - beganAtMs, status, hasRetryAfter, ids });
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  });
  return {
    answers,
    async stop() {
      stopping.abort();
      await Promise.all(lines);
      agent.destroy();
    },
  };
}

/** Events without their ids, as JSON behind the first brace: the load must not be what is measured. */
const eventRests = Array.from({ length: 1_000 }, (_, index) => {
  const event = {
    tenant_id: `tenant-${index % tenants}`,
    action: 'document.updated',
    actor: { type: 'user', id: `u_${index}`, name: 'Jane Example' },
    resources: [{ type: 'document', id: `d_${index}`, name: 'Quarterly plan' }],
    changes: [{ path: 'permissions', old: ['read'], new: ['read', 'write'] }],
    context: { ip: '203.0.113.7', user_agent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36', country: 'DE' },
    description: 'Jane Example changed Quarterly plan, which is a sentence of the length that such sentences have.',
    metadata: { plan: 'pro', seats: index },
  };
  return JSON.stringify(event).slice(1);
});

function bodyOf(ids: readonly string[]): string {
  const events = ids.map((id, index) => `{"id":"${id}",${eventRests[index % eventRests.length]}`);
  return `{"events":[${events.join(',')}]}`;
}

function post(
  agent: Agent,
  url: string,
  key: string,
  body: string,
): Promise<Pick<LoadAnswer, 'status' | 'hasRetryAfter'>> {
  return new Promise((resolve) => {
    const headers = {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    const sent = request(`${url}/v1/events`, { method: 'POST', agent, headers, timeout: hangMs }, (response) => {
      response.resume();
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, hasRetryAfter: response.headers['retry-after'] !== undefined }),
      );
      response.once('error', () => resolve({ status: 0, hasRetryAfter: false }));
    });
    sent.once('timeout', () => sent.destroy(new Error('no answer')));
    sent.once('error', () => resolve({ status: 0, hasRetryAfter: false }));
    sent.end(body);
  });
}

/** The most memory that a process has had in RAM so far (Linux), in MiB. */
export function peakRssMiBOf(pid: number): number {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kib) / 1024);
}

/** Percentiles and the longest of the times to answer, in ms. */
export function timesOf(answers: readonly LoadAnswer[]): {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
} {
  const sorted = answers.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
