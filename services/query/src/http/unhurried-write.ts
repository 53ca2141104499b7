import type { ServerResponse } from 'node:http';
import { DocketError } from '@docket/runtime';

/** A reader that takes nothing for so long has gone, or takes a place from others. */
export const stalledMsMax = 30_000;
/** What is held until it is taken has to be taken at this pace, once a time for every answer is over: some bytes now and then are no pace. */
const slowest = { beginMs: 60_000, bytesPerMs: 64 };

/**
 * Writes bytes and resolves when the next may follow: at the reader's pace, so that nothing piles up here (I8). Rejects when the
 * connection is closed, when the reader has taken nothing for 30 s, and when `signal` aborts.
 * @param bytes pieces are given to the connection together
 * @param aheadBytesMax so much may wait for the reader, so that the next bytes are made while it takes the last ones.
 */
export async function writeUnhurried(
  res: ServerResponse,
  bytes: Uint8Array | string | readonly Uint8Array[],
  signal: AbortSignal,
  aheadBytesMax = 0,
): Promise<void> {
  signal.throwIfAborted();
  if (res.destroyed) throw closed();
  if (write(res, bytes) || res.writableLength < aheadBytesMax) return;
  await taken(res, 'drain', signal);
}

/** False where some of it may wait: 'drain' then tells when it is taken. */
function write(res: ServerResponse, bytes: Uint8Array | string | readonly Uint8Array[]): boolean {
  if (typeof bytes === 'string' || bytes instanceof Uint8Array) return res.write(bytes);
  res.cork();
  const isRoom = bytes.map((piece) => res.write(piece)).every(Boolean);
  res.uncork();
  return isRoom;
}

/** Resolves when the reader has taken what waits for him. */
function taken(res: ServerResponse, event: 'drain' | 'finish', signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      res.off(event, onTaken).off('close', onClose);
      signal.removeEventListener('abort', onAbort);
      act();
    };
    const onTaken = (): void => settle(resolve);
    const onClose = (): void => settle(() => reject(closed()));
    const onAbort = (): void => settle(() => reject(new Error('ended', { cause: signal.reason })));
    const timer = setTimeout(() => settle(() => reject(stalled())), stalledMsMax);
    res.on(event, onTaken).on('close', onClose);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** Of an answer that is there already, so much is given to the connection at once. */
const pieceBytes = 256 * 1024;

/** How long the reader of so many bytes may take for all of them. */
export function answerMsMax(bytes: number): number {
  return slowest.beginMs + bytes / slowest.bytesPerMs;
}

/**
 * Sends a body of JSON, as fast as its reader takes it, and ends the answer; resolves when it was taken. Rejects as `writeUnhurried` does, and when the
 * whole takes longer than `answerMsMax`.
 */
export async function sendUnhurried(res: ServerResponse, json: Buffer, signal: AbortSignal): Promise<void> {
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Content-Length', json.length);
  const deadline = setTimeout(() => res.destroy(), answerMsMax(json.length));
  try {
    for (let at = 0; at < json.length; at += pieceBytes) {
      await writeUnhurried(res, json.subarray(at, at + pieceBytes), signal);
    }
    const isTaken = taken(res, 'finish', signal);
    res.end();
    await isTaken;
  } finally {
    clearTimeout(deadline);
  }
}

function closed(): DocketError {
  return new DocketError('request_timeout', 'The connection was closed within the answer.');
}

function stalled(): DocketError {
  return new DocketError('request_timeout', `The reader took nothing for ${stalledMsMax / 1_000} s.`);
}
