/**
 * Sends batches of events to a gateway over kept connections, each as soon as it is answered. A process of its own: its times are those
 * of a client that does nothing else. Options as JSON in its one argument; tells its parent of its answers, and ends, once every request is answered, when
 * it is told anything.
 */
import { Agent, request } from 'node:http';
import { idOfLoad, nowMs, requestDigits, type LoadAnswer, type LoadOptions } from './gateway-load.ts';

const [, , argument = ''] = process.argv;
const { url, keys, connections, eventsPerRequest }: LoadOptions = JSON.parse(argument);
/** Longer than the gateway may take: who waits so long has met a hang. */
const hangMs = 20_000;
const tellEveryMs = 50;
const tenants = 200;

const agent = new Agent({ keepAlive: true, maxSockets: connections });
let untold: LoadAnswer[] = [];
const stopping = new AbortController();
let requests = 0;

/** Events without their ids, as JSON behind the first brace: the load must not be what is measured. */
const eventRests = Array.from({ length: 1_000 }, (_, index) => {
  const event = {
    tenant_id: `tenant-${index % tenants}`,
    action: 'document.updated',
    actor: { type: 'user', id: `u_${index}`, name: 'Jane Example' },
    resources: [{ type: 'document', id: `d_${index}`, name: 'Quarterly plan' }],
    changes: [{ path: 'permissions', old: ['read'], new: ['read', 'write'] }],
    context: { ip: '203.0.113.7', user_agent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36', country: 'DE' },
    description: 'Jane Example changed Quarterly plan, which is a sentence of the length that such sentences have.',
    metadata: { plan: 'pro', seats: index },
  };
  return JSON.stringify(event).slice(1);
});

/** The body of a connection's requests: the number of the request, of which the ids of its events are made, is written into it anew each time. */
function createBody(): (requestNumber: number) => Buffer {
  const begin = '{"id":"';
  const events = Array.from(
    { length: eventsPerRequest },
    (_, index) => `${begin}${idOfLoad(0, index)}",${eventRests[index % eventRests.length]}`,
  );
  const bytes = Buffer.from(`{"events":[${events.join(',')}]}`);
  const places: number[] = [];
  let at = '{"events":['.length;
  for (const event of events) {
    places.push(at + begin.length);
    at += Buffer.byteLength(event) + 1;
  }
  return (requestNumber) => {
    const digits = Buffer.from(requestDigits(requestNumber));
    for (const place of places) digits.copy(bytes, place);
    return bytes;
  };
}

/** Status 0: no answer. */
function post(key: string, body: Buffer): Promise<Pick<LoadAnswer, 'status' | 'hasRetryAfter'>> {
  return new Promise((resolve) => {
    const none = (): void => resolve({ status: 0, hasRetryAfter: false });
    const headers = {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'content-length': body.length,
    };
    const sent = request(`${url}/v1/events`, { method: 'POST', agent, headers, timeout: hangMs }, (response) => {
      const { statusCode: status = 0, headers: told } = response;
      response.resume();
      response.once('end', () => resolve({ status, hasRetryAfter: told['retry-after'] !== undefined }));
      response.once('error', none);
    });
    sent.once('timeout', () => sent.destroy(new Error('no answer')));
    sent.once('error', none);
    sent.end(body);
  });
}

async function sendOn(line: number): Promise<void> {
  const key = keys[line % keys.length] ?? '';
  const bodyOf = createBody();
  while (!stopping.signal.aborted) {
    requests += 1;
    const requestNumber = requests;
    const body = bodyOf(requestNumber);
    const atMs = nowMs();
    const answer = await post(key, body);
    untold.push({ ...answer, atMs, tookMs: nowMs() - atMs, requestNumber });
  }
}

function tell(): void {
  process.send?.(untold);
  untold = [];
}

process.once('message', () => stopping.abort());
// Nobody is left to hear of it.
process.once('disconnect', () => process.exit(stopping.signal.aborted ? 0 : 1));
const telling = setInterval(tell, tellEveryMs);
await Promise.all(Array.from({ length: connections }, (_, line) => sendOn(line)));
clearInterval(telling);
agent.destroy();
process.send?.(untold, () => process.disconnect());
