import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@docket/testkit';
import pg from 'pg';

/** A PostgreSQL of the distribution, on a data directory of ours. */
export interface PostgresServer {
  readonly pool: pg.Pool;
  readonly version: string;
  /** Feeds `copy` (COPY … FROM STDIN) with chunks of text. */
  copy(statement: string, chunks: AsyncIterable<Buffer>): Promise<void>;
  /** Safe to call twice. */
  stop(): Promise<void>;
}

const debianRoot = '/usr/lib/postgresql';
/** What a team would set on this machine; the rest is the default. */
const settings = {
  shared_buffers: '2GB',
  effective_cache_size: '8GB',
  work_mem: '64MB',
  maintenance_work_mem: '1GB',
  random_page_cost: '1.1',
  max_wal_size: '8GB',
  autovacuum: 'off',
  log_min_messages: 'fatal',
  unix_socket_directories: '',
  listen_addresses: '127.0.0.1',
};
const stopDeadlineMs = 30_000;

/**
 * Starts it, with a new data directory unless there is one. PostgreSQL refuses to run as root: as root it is started as the user `postgres` of
 * Debian's package. Throws naming the package when it is not installed.
 */
export async function startPostgres(directory: string): Promise<PostgresServer> {
  const bin = findBin();
  const owner = ownerOf();
  const port = await freePort();
  if (!existsSync(directory)) {
    mkdirSync(directory, { recursive: true });
    if (owner !== undefined) chownSync(directory, owner.uid, owner.gid);
    execFileSync(join(bin, 'initdb'), ['-D', directory, '-U', 'bench', '-A', 'trust', '--locale=C.UTF-8'], {
      ...owner,
    });
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = spawn(join(bin, 'postgres'), ['-D', directory, '-p', String(port), ...options], {
    ...owner,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const pool = new pg.Pool({ host: '127.0.0.1', port, user: 'bench', database: 'postgres', max: 20 });
  pool.on('error', () => undefined);
  await eventually(async () => (await pool.query('SELECT 1')).rowCount === 1, {
    what: 'PostgreSQL',
    deadlineMs: 60_000,
  });
  const version: unknown = (await pool.query('SHOW server_version')).rows[0]?.['server_version'];
  let stopping: Promise<void> | undefined;
  return {
    pool,
    version: String(version),
    copy: (statement, chunks) => copyInto(join(bin, 'psql'), port, statement, chunks),
    stop: () => (stopping ??= pool.end().then(() => ended(server))),
  };
}

function findBin(): string {
  const versions = existsSync(debianRoot) ? readdirSync(debianRoot) : [];
  const newest = versions.toSorted((a, b) => Number(b) - Number(a))[0];
  if (newest === undefined) {
    throw new Error('PostgreSQL is not installed, and it is the peer of this benchmark: apt-get install postgresql');
  }
  return join(debianRoot, newest, 'bin');
}

function ownerOf(): { uid: number; gid: number } | undefined {
  if (userInfo().uid !== 0) return undefined;
  const idOf = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: idOf('-u'), gid: idOf('-g') };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

async function copyInto(psql: string, port: number, statement: string, chunks: AsyncIterable<Buffer>): Promise<void> {
  const args = [
    '-h',
    '127.0.0.1',
    '-p',
    String(port),
    '-U',
    'bench',
    '-v',
    'ON_ERROR_STOP=1',
    '-q',
    '-c',
    statement,
    'postgres',
  ];
  const client = spawn(psql, args, { stdio: ['pipe', 'ignore', 'inherit'] });
  const closed = new Promise<number | null>((resolve, reject) => {
    client.once('error', reject);
    client.once('close', resolve);
  });
  for await (const chunk of chunks) {
    if (!client.stdin.write(chunk)) await new Promise((resolve) => client.stdin.once('drain', resolve));
  }
  client.stdin.end();
  const code = await closed;
  if (code !== 0) throw new Error(`psql ended with ${code}: ${statement}`);
}

/** SIGINT is PostgreSQL's fast shutdown. */
async function ended(server: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => server.once('close', resolve));
  server.kill('SIGINT');
  const timer = setTimeout(() => server.kill('SIGKILL'), stopDeadlineMs);
  await gone;
  clearTimeout(timer);
}
