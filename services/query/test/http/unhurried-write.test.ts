import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { answerMsMax, sendUnhurried, stalledMsMax } from '../../src/http/unhurried-write.ts';

const mebibyte = 1024 * 1024;
const json = Buffer.alloc(2 * mebibyte, '1');
const server = createServer();

beforeEach(() => void jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] }));
afterEach(() => void jest.useRealTimers());

/** A connection whose other side takes no more than it is allowed to. */
function createReader() {
  let [allowedBytes, takenBytes] = [0, 0];
  let waiting: { readonly bytes: number; readonly taken: () => void } | undefined;
  const takeAllowed = (): void => {
    if (waiting === undefined || takenBytes + waiting.bytes > allowedBytes) return;
    const { bytes, taken } = waiting;
    waiting = undefined;
    takenBytes += bytes;
    taken();
  };
  const connection = new Duplex({
    read: () => undefined,
    writev(chunks: { readonly chunk: Buffer }[], taken) {
      waiting = { bytes: chunks.reduce((sum, { chunk }) => sum + chunk.length, 0), taken };
      takeAllowed();
    },
  });
  const allow = (bytes: number): void => {
    allowedBytes += bytes;
    takeAllowed();
  };
  return { connection, allow };
}

/** What becomes of sending `body` to a reader. */
async function startSending(body = json) {
  const { connection, allow } = createReader();
  const requested = once(server, 'request');
  server.emit('connection', connection);
  connection.push('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  const [, res]: [unknown, ServerResponse] = Object(await requested);
  const outcome = { end: 'pending' };
  sendUnhurried(res, body, new AbortController().signal).then(
    () => (outcome.end = 'taken'),
    (error: unknown) => (outcome.end = String(error)),
  );
  return { res, allow, outcome };
}

/** Time passes, and what it has begun ends. */
async function pass(ms: number): Promise<void> {
  await jest.advanceTimersByTimeAsync(ms);
  await new Promise((resolve) => setImmediate(resolve));
}

describe('an answer at the pace of its reader', () => {
  test('is over when all of it was taken', async () => {
    const { allow, outcome } = await startSending();
    await pass(stalledMsMax / 2);
    expect(outcome.end).toBe('pending');
    allow(3 * mebibyte);
    await pass(0);
    expect(outcome.end).toBe('taken');
  });

  test.each([
    ['nothing of it', 2 * mebibyte, 0],
    ['all but its last piece', 2 * mebibyte, 2 * mebibyte],
    // Less than a connection takes ahead: nothing waits to be drained.
    ['all but its last bytes', 2 * mebibyte + 100, 2 * mebibyte + 200],
    ['nothing of a small one', 100, 0],
  ])('is given up when its reader takes %s for 30 s', async (_, bytes, takenBytes) => {
    const { allow, outcome } = await startSending(Buffer.alloc(bytes, '1'));
    allow(takenBytes);
    await pass(stalledMsMax - 1);
    expect(outcome.end).toBe('pending');
    await pass(1);
    expect(outcome.end).toContain('The reader took nothing for 30 s.');
  });

  test('is broken off when its reader takes a little again and again, but too little in all', async () => {
    const { res, allow, outcome } = await startSending();
    for (let ms = 0; ms < answerMsMax(json.length) - stalledMsMax; ms += stalledMsMax - 1) {
      allow(mebibyte / 4 + 1_000);
      await pass(stalledMsMax - 1);
    }
    expect(outcome.end).toBe('pending');
    allow(mebibyte / 4 + 1_000);
    await pass(stalledMsMax - 1);
    expect(outcome.end).toContain('The connection was closed');
    expect(res.destroyed).toBe(true);
  });
});
