import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { newWebhookSecret } from '@docket/directory';
import { createWorld, pythonWith, type ReceivedRequest, type ServiceProcess, type World } from '@docket/testkit';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { record, startDelivery, subscribe, untilAccepted, type Subscriber } from '../delivery-for-tests.ts';

const script = fileURLToPath(new URL('./verify-webhooks.py', import.meta.url));
const secret = newWebhookSecret();

let python: string;
let world: World;
let delivery: ServiceProcess;
let one: Subscriber;

beforeAll(async () => {
  [python, world] = await Promise.all([pythonWith(['standardwebhooks==1.1.0']), createWorld({ partitions: 2 })]);
  delivery = await startDelivery(world);
  one = await subscribe(world, 'acme', {
    sink: { token: secret, at: (url, secrets) => ({ type: 'webhook', url: `${url}/in`, secrets }) },
  });
}, 300_000);

afterAll(async () => {
  await delivery.stop();
  await one.receiver.close();
  await world.close();
}, 60_000);

interface Signed extends Pick<ReceivedRequest, 'body' | 'headers'> {
  readonly secret: string;
}

async function verdictsOf(requests: readonly Signed[]): Promise<string[]> {
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const asked = requests.map(({ body, ...rest }) => ({ ...rest, body: body.toString('base64') }));
  child.stdin.end(JSON.stringify(asked));
  return (await text(child.stdout)).trim().split('\n');
}

test('Python’s standardwebhooks takes what delivery sends for signed, and nothing that was changed on its way', async () => {
  await untilAccepted(one.receiver, await record(world, 'acme', 50));
  const requests = one.receiver.requests.map(({ body, headers }): Signed => ({ secret, body, headers }));
  const [first] = requests;
  if (first === undefined) throw new Error('nothing was received');
  const changed = [
    { ...first, secret: newWebhookSecret() },
    { ...first, body: Buffer.concat([first.body, Buffer.from(' ')]) },
    { ...first, headers: { ...first.headers, 'webhook-id': 'another' } },
  ];
  expect(await verdictsOf(requests)).toEqual(requests.map(() => 'verified'));
  expect(await verdictsOf(changed)).toEqual(changed.map(() => 'refused: No matching signature found'));
}, 120_000);
