import { openApiDocuments } from '@docket/schemas';
import { eventually } from '@docket/testkit';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { endpointCells } from './cells.ts';
import { makeCredentials, type Credentials } from './credentials.ts';
import { marksIn } from './marked-tenant.ts';
import { allScopes, createScopingWorld, type ScopingWorld } from './scoping-world.ts';
import { tryEndpoint, type Tally } from './try-cells.ts';

let world: ScopingWorld;
let credentials: Credentials;
let [leftKey, rightKey] = ['', ''];
const tallies = new Map<string, Tally>();

beforeAll(async () => {
  world = await createScopingWorld();
  credentials = await makeCredentials(world, world.left);
  const keys = await Promise.all(['left', 'right'].map((id) => world.makeKey(allScopes, [id])));
  [leftKey, rightKey] = keys.map(({ key }) => key) as [string, string];
  for (const { key } of keys) {
    await eventually(async () => (await world.ask(key, { method: 'GET', path: '/v1/whoami' })).status === 200, {
      what: 'the key is known',
    });
  }
}, 180_000);
afterAll(async () => {
  print();
  await world?.close();
}, 60_000);

/** Every operation of the public API behind a credential. */
const operations = Object.entries(openApiDocuments.gateway().paths)
  .filter(([path]) => path.startsWith('/v1/'))
  .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));

test('every endpoint of the API has cells here, and no cell is of an endpoint that is gone', () => {
  expect(Object.keys(endpointCells).toSorted()).toEqual(operations.toSorted());
});

test('the forger makes a good token when it changes nothing', async () => {
  const good = { name: 'good forgery', is: 'dead' } as const;
  const answer = await world.ask(credentials.of(good, []), { method: 'GET', path: '/v1/events' });
  expect([answer.status, answer.text.includes('mkl-')]).toEqual([200, true]);
});

describe('I5: no credential gets anything that it is not for', () => {
  test.each(Object.keys(endpointCells))(
    '%s',
    async (endpoint) => {
      const cells = endpointCells[endpoint];
      if (cells === undefined) throw new Error('no cells');
      const tally = await tryEndpoint({ world, credentials, endpoint, cells, leftKey, rightKey });
      tallies.set(endpoint, tally);
      expect(tally.leaks).toEqual([]);
      expect(tally.wrong).toEqual([]);
      expect(tally.controls).toBeGreaterThan(0);
    },
    600_000,
  );

  test('the address of an export, which needs no credential, shows what its maker may see, and is good once', async () => {
    const user = credentials.kinds.find(({ name }) => name === 'user-view token');
    if (user === undefined) throw new Error('no user view');
    const asked = await world.need(credentials.of(user, []), { method: 'POST', path: '/v1/exports?format=ndjson' });
    const path = String(asked.body['url']);
    const { text } = await world.need('', { method: 'GET', path });
    expect(marksIn(text, world.left.jane.marks, '')).not.toEqual([]);
    const { elsewhere, robot, onDocument } = world.left;
    expect(marksIn(text, [...elsewhere.marks, ...robot.marks, ...onDocument.whereabouts, '"seq"'], '')).toEqual([]);
    expect((await world.ask('', { method: 'GET', path })).status).toBe(401);
  });

  test('what was refused has not happened: the right tenant has the events and keys that were allowed, and no more', async () => {
    const list = async (path: string): Promise<string> => (await world.need(rightKey, { method: 'GET', path })).text;
    const count = (text: string, name: string): number => text.split(`"${name}"`).length - 1;
    // Of each kind: two requests, which the operator may make, and the tenant's own key behind the others. Seq has no holes: when
    // the last one is there, everything before it is.
    const written = 2 * credentials.kinds.length;
    const events = async (): Promise<number> =>
      count(await list('/v1/events?action=written.by.matrix&limit=1000'), 'written.by.matrix');
    await eventually(async () => (await events()) >= written, { what: 'the last event' });
    expect(await events()).toBe(written);
    expect(count(await list('/v1/keys?limit=1000'), 'mkr-stolen')).toBe(credentials.kinds.length);
    expect(await list('/v1/tenants/right')).not.toContain('renamed');
  });
});

describe('a key that is revoked', () => {
  test('is refused within 2 s, and so are the tokens that it made', async () => {
    const { id, key } = await world.makeKey(allScopes, ['left']);
    const known = async () => (await world.ask(key, { method: 'GET', path: '/v1/whoami' })).status === 200;
    await eventually(known, { what: 'the key is known' });
    const mint = { method: 'POST', path: '/v1/viewer-tokens', body: { view: 'admin' } } as const;
    const token = String((await world.need(key, mint)).body['token']);
    const list = { method: 'GET', path: '/v1/events' } as const;
    expect((await world.ask(token, list)).status).toBe(200);
    await world.need(world.root, { method: 'DELETE', path: `/v1/keys/${id}` });
    const revokedAtMs = performance.now();
    for (const dead of [key, token]) {
      const refused = async () => (await world.ask(dead, list)).status === 401;
      await eventually(refused, { what: 'the refusal', deadlineMs: 2_000, intervalMs: 10 });
    }
    const tookMs = performance.now() - revokedAtMs;
    process.stdout.write(`revoked key and its token refused after ${Math.round(tookMs)} ms\n`);
    expect(tookMs).toBeLessThan(2_000);
  });
});

function print(): void {
  const lines = [...tallies].map(
    ([endpoint, { cells, controls, leaks }]) =>
      `${endpoint.padEnd(32)} ${String(cells).padStart(6)} ${String(controls).padStart(9)} ${String(leaks.length).padStart(6)}`,
  );
  const sum = (of: (tally: Tally) => number): number => [...tallies.values()].reduce((total, tally) => total + of(tally), 0);
  process.stdout.write(`${'endpoint'.padEnd(32)}  cells  controls  leaks\n${lines.join('\n')}\n`);
  process.stdout.write(
    `cells tried: ${sum(({ cells }) => cells)}, positive controls: ${sum(({ controls }) => controls)}, leaks found: ${sum(({ leaks }) => leaks.length)}\n`,
  );
} // prettier-ignore
