/** Answers every POST as a gateway does that has published everything, and does nothing else. Prints its URL. */
import { createServer, type IncomingMessage } from 'node:http';
import { gunzipSync } from 'node:zlib';

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body: { events: { id: string }[] } = JSON.parse(textOf(request, Buffer.concat(chunks)));
    const results = body.events.map(({ id }) => ({ id, status: 'published' }));
    response.writeHead(202, { 'content-type': 'application/json' }).end(JSON.stringify({ results }));
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}\n`);
});
process.once('SIGTERM', () => process.exit(0));

function textOf({ headers }: IncomingMessage, body: Buffer): string {
  return (headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString();
}
