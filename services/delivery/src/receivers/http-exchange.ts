import type { Dispatcher } from 'undici';

export interface ExchangeRequest {
  readonly origin: string;
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly body: Buffer;
  /** More of an answer than this is not read: it counts as whole, and the socket is closed. */
  readonly answerBytesMax: number;
  /** Of the whole, answer's body included. */
  readonly deadlineMs: number;
}

export interface ExchangeAnswer {
  readonly status: number;
  /** The first, when there are several. */
  readonly retryAfter: string | undefined;
  readonly text: string;
}

/** I8: of those that may come before the answer. Servers send one or two; each costs as much as an answer does. */
const informationalMax = 16;

/** The deadline of an exchange has passed. */
export class ExchangeTimeout extends Error {
  override readonly name = 'ExchangeTimeout';
}

/**
 * Posts a body and reads the answer: once, by the dispatcher itself, without the streams that undici's `request` puts around a body. Rejects with an
 * ExchangeTimeout at the deadline, and otherwise with what undici or the socket say; whatever ends it closes the socket, unless the answer is whole.
 * @param onGiveUp is given what ends the exchange at once, and gives what forgets it.
 */
export function exchange(
  dispatcher: Dispatcher,
  { origin, path, headers, body, answerBytesMax, deadlineMs }: ExchangeRequest,
  onGiveUp: (giveUp: () => void) => () => void,
): Promise<ExchangeAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let informational = 0;
    let status = 0;
    let retryAfter: string | undefined;
    let controller: Dispatcher.DispatchController | undefined;
    let isOver = false;

    const end = (): boolean => {
      if (isOver) return false;
      isOver = true;
      clearTimeout(timer);
      forget();
      return true;
    };
    const answered = (): void => {
      if (end()) resolve({ status, retryAfter, text: textOf(chunks, answerBytesMax) });
    };
    const failed = (error: Error): void => {
      if (end()) reject(error);
    };
    const giveUp = (error: Error): void => {
      failed(error);
      // It may still wait for its connection: then it ends as soon as it has one.
      controller?.abort(error);
    };
    const timer = setTimeout(() => giveUp(new ExchangeTimeout('the exchange took too long')), deadlineMs);
    const forget = onGiveUp(() => giveUp(new Error('the exchange was given up')));

    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: (started) => {
        controller = started;
        if (isOver) started.abort(new Error('the exchange is over'));
      },
      onResponseStart: (_started, code, { 'retry-after': after }) => {
        // An informational answer is followed by the one that counts.
        if (code < 200) {
          informational += 1;
          if (informational > informationalMax) giveUp(new Error('too many informational answers'));
          return;
        }
        status = code;
        retryAfter = Array.isArray(after) ? after[0] : after;
      },
      onResponseData: (started, chunk) => {
        if (isOver) return;
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes < answerBytesMax) return;
        answered();
        started.abort(new Error('the answer is too long'));
      },
      onResponseEnd: answered,
      onResponseError: (_started, error) => failed(error),
    };
    try {
      dispatcher.dispatch({ origin, path, method: 'POST', headers, body }, handler);
    } catch (error) {
      failed(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

function textOf(chunks: readonly Buffer[], bytesMax: number): string {
  const [only] = chunks;
  if (only === undefined) return '';
  return (chunks.length === 1 ? only : Buffer.concat(chunks)).subarray(0, bytesMax).toString();
}
