import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';
import type { ComponentName } from './layout.ts';
import { StackError } from './problem-policy.ts';

/** Below the ranges from which Linux (32768) and macOS (49152) take ports for outgoing connections, so that a free port stays free. */
const freePortMin = 20_000;
const freePortMax = 32_000;
const attemptsMax = 100;

/** The given port if nobody listens there (else StackError `port-taken`), or a free one. */
export async function choosePort(name: ComponentName, setting: string, given: number | undefined): Promise<number> {
  if (given === undefined) return freePort();
  if (!Number.isInteger(given) || given < 1 || given > 65_535) {
    throw new StackError({ kind: 'setting-invalid', setting, value: String(given), expected: 'a port (1 to 65535)' });
  }
  if (!(await isFree(given))) throw new StackError({ kind: 'port-taken', name, setting, port: given });
  return given;
}

/** A port on 127.0.0.1 where nobody listens now. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const port = randomInt(freePortMin, freePortMax);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port found between ${freePortMin} and ${freePortMax}`);
}

async function isFree(port: number): Promise<boolean> {
  return (await canListen(port)) && !(await answers(port));
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Some systems let two listen on one port, one of them on all addresses; only a connection shows the other. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
