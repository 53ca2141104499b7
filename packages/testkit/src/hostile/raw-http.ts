import { connect } from 'node:net';

/** What came back on one connection. */
export interface RawExchange {
  readonly answers: readonly RawAnswer[];
  /** The server ended the connection. */
  readonly isClosed: boolean;
  readonly elapsedMs: number;
}

export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface RawRequest {
  /** Sent as they are, one after another. */
  readonly chunks: readonly (Buffer | string)[];
  /** Sent again and again after the chunks, until the end. */
  readonly drip?: { readonly text: string; readonly everyMs: number };
  /** Ends our half after the chunks. */
  readonly endsEarly?: boolean;
  /** Says nothing after the chunks, though more is announced. */
  readonly isSilent?: boolean;
}

/**
 * Sends bytes to a server, whatever they are, and gives its answers: as soon as there are `answers` of them, or when it closes the connection where
 * `untilClosed`. Rejects at the deadline. The connection is gone afterwards.
 */
export function exchangeRaw(
  url: string,
  request: RawRequest,
  until: { readonly answers: number; readonly untilClosed: boolean; readonly deadlineMs: number },
): Promise<RawExchange> {
  const { hostname, port } = new URL(url);
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    let drip: NodeJS.Timeout | undefined;
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const finish = (isClosed: boolean): void => {
      clearTimeout(deadline);
      clearInterval(drip);
      socket.destroy();
      resolve({ answers: readAnswers(received), isClosed, elapsedMs: performance.now() - startedMs });
    };
    const deadline = setTimeout(() => {
      clearInterval(drip);
      socket.destroy();
      reject(new Error(`no end after ${until.deadlineMs} ms; so far: ${received.toString().slice(0, 1_000)}`));
    }, until.deadlineMs);
    socket.once('connect', () => {
      for (const chunk of request.chunks) socket.write(chunk);
      if (request.endsEarly === true) socket.end();
      const { drip: again } = request;
      if (again !== undefined) drip = setInterval(() => socket.write(again.text), again.everyMs);
    });
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (!until.untilClosed && readAnswers(received).length >= until.answers) finish(false);
    });
    // A server that has answered may cut a client off that goes on sending.
    socket.on('error', () => undefined);
    socket.once('end', () => finish(true)).once('close', () => finish(true));
  });
}

/** Whole answers only. All of ours to bad requests have a Content-Length. */
function readAnswers(bytes: Buffer): RawAnswer[] {
  const answers: RawAnswer[] = [];
  for (let at = 0; ;) {
    const headEnd = bytes.indexOf('\r\n\r\n', at);
    if (headEnd < 0) return answers;
    const [statusLine = '', ...lines] = bytes.subarray(at, headEnd).toString('latin1').split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const status = Number(statusLine.split(' ')[1]);
    const bodyEnd = headEnd + 4 + Number(headers['content-length'] ?? 0);
    if (bodyEnd > bytes.length) return answers;
    // 100 Continue is not the answer.
    if (status >= 200) answers.push({ status, headers, body: bytes.subarray(headEnd + 4, bodyEnd).toString() });
    at = bodyEnd;
  }
}
