import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/** What a POST was answered. */
export interface PostAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly text: string;
}

export interface Post {
  /** Rejects when there is no whole answer, or `signal` is aborted. A redirect is an answer as any other. */
  send(headers: Readonly<Record<string, string>>, body: Buffer | string, signal: AbortSignal): Promise<PostAnswer>;
  close(): void;
}

/** An answer is read up to here; it is a short JSON document. */
const answerBytesMax = 1024 * 1024;

/**
 * Sends requests to one address, over a connection that is kept. Not fetch: a request costs the application's thread a third. An idle connection keeps no
 * process alive.
 */
export function createPost(url: URL): Post {
  const isSecure = url.protocol === 'https:';
  const agent = isSecure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  const request = isSecure ? httpsRequest : httpRequest;

  return {
    send: (headers, body, signal) =>
      new Promise((resolve, reject) => {
        const length = { 'content-length': Buffer.byteLength(body) };
        const sent = request(url, { method: 'POST', agent, signal, headers: { ...headers, ...length } }, (response) => {
          readAnswer(response).then(resolve, reject);
        });
        // Stays: an answer may come, and the connection break, before everything was sent.
        sent.on('error', reject);
        sent.end(body);
      }),
    close: () => agent.destroy(),
  };
}

function readAnswer(response: IncomingMessage): Promise<PostAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > answerBytesMax) response.destroy(new Error(`the answer is longer than ${answerBytesMax} bytes`));
    });
    response.on('error', reject);
    response.on('end', () => {
      const { statusCode = 0, headers } = response;
      resolve({ status: statusCode, retryAfter: headers['retry-after'], text: Buffer.concat(chunks).toString() });
    });
  });
}
