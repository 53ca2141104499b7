import { createDirectoryView, createDirectoryWriter, newApiKey, type ApiKey } from '@docket/directory';
import { eventually, startService, type ServiceProcess, type World } from '@docket/testkit';
import { connect } from 'node:net';

/** The query service on one database, and keys for every tenant. */
export interface Reader {
  readonly service: ServiceProcess;
  /** A whole request: the body has been read. Rejects on any status but 200. Keys are taken in turn. */
  get(path: string, reader?: number): Promise<void>;
  /** A JSON answer. Rejects on any status but 200. */
  read(path: string): Promise<unknown>;
  /** An answer that is only counted: its reader has a machine of its own elsewhere, and here shares the cores. Rejects unless it is a whole 200. */
  download(path: string): Promise<Download>;
  stop(): Promise<void>;
}

export interface Download {
  readonly head: string;
  /** Of the body, with its chunks' frames. */
  readonly bytes: number;
}

const keysCount = 20;
const downloadBufferBytes = 256 * 1024;

export async function startReader(world: World, database: string): Promise<Reader> {
  const view = createDirectoryView(world.kafka, { onCrash: () => undefined });
  view.start();
  const writer = createDirectoryWriter(world.kafka, { view, onFenced: () => undefined, answerMsMax: 60_000 });
  writer.start();
  const made = Array.from({ length: keysCount }, () => newApiKey());
  const puts = made.map(({ id, secretSha256 }): ApiKey => ({
    version: 1,
    kind: 'key',
    id,
    name: 'bench',
    secret_sha256: secretSha256,
    scopes: ['events:read'],
    tenants: '*',
    created_at: new Date().toISOString(),
  }));
  await eventually(() => view.isCaughtUp(), { what: 'the directory' });
  await writer.change(
    () => ({ puts, result: undefined }),
    () => [],
  );
  await writer.stop();
  await view.stop();
  const service = await startService('query', { ...world.env, CLICKHOUSE_DATABASE: database });

  async function open(path: string, reader = 0): Promise<Response> {
    const authorization = `Bearer ${made[reader % keysCount]?.text ?? ''}`;
    const response = await fetch(`${service.url}${path}`, { headers: { authorization } });
    if (response.status !== 200) {
      throw new Error(`${path}: ${response.status} ${(await response.text()).slice(0, 500)}`);
    }
    return response;
  }
  async function get(path: string, reader = 0): Promise<void> {
    await (await open(path, reader)).arrayBuffer();
  }
  function download(path: string): Promise<Download> {
    const { hostname, port } = new URL(service.url);
    const request = `GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${made[0]?.text ?? ''}\r\nConnection: close\r\n\r\n`;
    return countBytes(hostname, Number(port), request);
  }
  await eventually(() => get('/v1/whoami').then(() => true), { what: 'the keys are known' });
  return {
    service,
    get,
    read: async (path) => (await open(path)).json(),
    download,
    stop: async () => void (await service.stop()),
  };
}

/** Reads into one buffer again and again, without an HTTP parser: what a byte costs is the kernel's copy of it. */
function countBytes(host: string, port: number, request: string): Promise<Download> {
  return new Promise((resolve, reject) => {
    let [head, tail, total] = ['', '', 0];
    const socket = connect({
      host,
      port,
      onread: {
        buffer: Buffer.alloc(downloadBufferBytes),
        callback(bytes, buffer) {
          total += bytes;
          const read = Buffer.from(buffer.buffer, buffer.byteOffset, bytes);
          if (!head.includes('\r\n\r\n')) head += read.toString('latin1');
          tail = (tail + read.toString('latin1', Math.max(0, bytes - lastChunk.length))).slice(-lastChunk.length);
          return true;
        },
      },
    });
    socket.on('connect', () => socket.write(request)).on('error', reject);
    socket.on('close', () => {
      const headBytes = head.indexOf('\r\n\r\n') + 4;
      if (head.startsWith('HTTP/1.1 200 ') && tail === lastChunk)
        resolve({ head: head.slice(0, headBytes), bytes: total - headBytes });
      else reject(new Error(`a download is not whole: ${head.slice(0, 500)}`));
    });
  });
}

/** The end of a body in chunks: without it the answer broke off. */
const lastChunk = '0\r\n\r\n';
