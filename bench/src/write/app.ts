/**
 * A small application whose actions cost as many rounds of hashing in its one thread as `?rounds=` asks for, a fixed piece of work whatever the machine
 * does meanwhile, and, with SDK=on, record an event each. Prints its URL.
 */
import { createDocket } from '@docket/sdk';
import { pbkdf2Sync } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

const { SDK, DOCKET_URL, SPOOL_DIR } = process.env;
const docket =
  SDK === 'on'
    ? createDocket({ url: DOCKET_URL, key: 'dk_bench_secret', source: { service: 'app' }, spool: { dir: SPOOL_DIR } })
    : undefined;
let actions = 0;

async function act(rounds: number): Promise<number> {
  pbkdf2Sync('password', 'salt', rounds, 64, 'sha512');
  actions += 1;
  const outcome = await docket?.record({
    tenant_id: `t${actions % 50}`,
    action: 'document.updated',
    actor: { type: 'user', id: `u_${actions % 1000}`, name: 'Jane Doe' },
    resources: [{ type: 'document', id: `d_${actions % 5000}`, name: 'Quarterly numbers' }],
    context: { ip: '203.0.113.7', user_agent: 'Mozilla/5.0 (X11; Linux x86_64)' },
    metadata: { n: actions },
  });
  return outcome === undefined || outcome.ok ? 204 : 500;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.resume();
  const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
  response.writeHead(await act(Number(searchParams.get('rounds')))).end();
}

const server = createServer((request, response) => void answer(request, response));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}\n`);
});
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
  // Ends when the spool is closed: nothing else is left.
  void docket?.close();
});
