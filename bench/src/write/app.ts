/** A small application whose actions cost ROUNDS of hashing in its one thread, and, with SDK=on, record an event each. Prints its URL. */
import { createDocket } from '@docket/sdk';
import { pbkdf2Sync } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

const { SDK, DOCKET_URL, SPOOL_DIR, ROUNDS } = process.env;
const docket =
  SDK === 'on'
    ? createDocket({ url: DOCKET_URL, key: 'dk_bench_secret', source: { service: 'app' }, spool: { dir: SPOOL_DIR } })
    : undefined;
/** A fixed piece of work, so that both modes do the same whatever the machine does meanwhile. */
const rounds = Number(ROUNDS);
let actions = 0;

async function act(): Promise<number> {
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
  response.writeHead(await act()).end();
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
