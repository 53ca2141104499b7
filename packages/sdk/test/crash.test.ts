import { afterEach, describe, expect, test } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { eventually } from '@docket/testkit';
import { type ReceivedEvent, type ScriptedGateway, startScriptedGateway } from './scripted-gateway.ts';
import { useTemporaryFolder } from './spool/temporary-folder.ts';

const folderOf = useTemporaryFolder();
const children = new Set<ChildProcess>();
let gateway: ScriptedGateway | undefined;
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await gateway?.close();
  gateway = undefined;
});

/** An application as a process of its own; `confirmed` grows with what record() has confirmed to it. */
function startApp(url: string, env: Record<string, string>) {
  const program = fileURLToPath(new URL('recording-process.js', import.meta.url));
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, SPOOL_DIR: folderOf(), DOCKET_URL: url, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  children.add(child);
  const confirmed: string[] = [];
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    if (line.endsWith(' disk')) confirmed.push(line.slice(0, 36));
  });
  const exited = once(child, 'close').then(() => children.delete(child));
  return { child, confirmed, lines, exited };
}

/** The events that the gateway has taken, each once, in the order of their first arrival. */
function firstArrivals({ requests }: ScriptedGateway): ReceivedEvent[] {
  return [...new Map(requests.flatMap(({ events }) => events).map((event) => [event.id, event])).values()];
}

function expectWhole(events: ReceivedEvent[], confirmed: string[]): void {
  expect(new Set(events.map(({ id }) => id))).toEqual(new Set([...confirmed, ...events.map(({ id }) => id)]));
  // For each spool and tenant: running numbers without a hole, in the order of arrival.
  const numbers = new Map<string, number[]>();
  for (const { tenant_id, source } of events) {
    const name = `${source.instance} ${tenant_id}`;
    numbers.set(name, [...(numbers.get(name) ?? []), source.counter ?? 0]);
  }
  for (const seen of numbers.values()) expect(seen).toEqual(seen.map((_, i) => i + 1));
}

describe('SIGKILL', () => {
  test.each(['process', 'power'])(
    'of an application that records, again and again (durability %s): every confirmed event arrives, in order, numbered without a hole',
    async (DURABILITY) => {
      let isUp = false;
      const server = await startScriptedGateway(() => (isUp ? { kind: 'accept' } : { kind: 'answer', status: 503 }));
      gateway = server;
      const confirmed: string[] = [];
      for (let kills = 0; kills < 5; kills += 1) {
        const app = startApp(server.url, { EVENTS: '1000000', DURABILITY });
        await eventually(() => app.confirmed.length > 100, { what: 'events in the spool' });
        app.child.kill('SIGKILL');
        await app.exited;
        confirmed.push(...app.confirmed);
        // Also what is sent half-way is continued by the next one.
        isUp = kills % 2 === 0;
      }
      isUp = true;
      const last = startApp(server.url, { EVENTS: '1', CLOSE_MS: '20000' });
      await last.exited;
      confirmed.push(...last.confirmed);
      expect(last.lines.at(-1)).toBe('closed true');
      expectWhole(firstArrivals(server), confirmed);
    },
    60_000,
  );
});

describe('a gateway that is away', () => {
  test('does not keep a process from ending that never calls close; the next one sends what it left', async () => {
    const server = await startScriptedGateway(() => ({ kind: 'accept' }));
    await server.close();
    const first = startApp(server.url, { EVENTS: '50' });
    await first.exited;
    expect([first.child.exitCode, first.confirmed.length]).toEqual([0, 50]);
    const again = await startScriptedGateway(() => ({ kind: 'accept' }), Number(new URL(server.url).port));
    gateway = again;
    const second = startApp(server.url, { EVENTS: '1', CLOSE_MS: '20000' });
    await second.exited;
    expectWhole(firstArrivals(again), [...first.confirmed, ...second.confirmed]);
  });

  test('close ends at its deadline, and what is left stays on disk', async () => {
    let isUp = false;
    const server = await startScriptedGateway(() => (isUp ? { kind: 'accept' } : { kind: 'answer', status: 503 }));
    gateway = server;
    const first = startApp(server.url, { EVENTS: '50', CLOSE_MS: '50' });
    await first.exited;
    expect([first.child.exitCode, first.lines.at(-1)]).toEqual([0, 'closed false']);
    isUp = true;
    const second = startApp(server.url, { EVENTS: '1', CLOSE_MS: '20000' });
    await second.exited;
    expectWhole(firstArrivals(server), [...first.confirmed, ...second.confirmed]);
  });
});

test('several processes on one folder: each has a spool, and a living one sends what a dead one left', async () => {
  let isUp = false;
  const server = await startScriptedGateway(() => (isUp ? { kind: 'accept' } : { kind: 'answer', status: 503 }));
  gateway = server;
  const apps = ['a', 'b', 'c'].map((NAME) => startApp(server.url, { NAME, EVENTS: '200', STAY: '1' }));
  await eventually(() => apps.every((app) => app.confirmed.length === 200), { what: 'what three processes record' });
  const [a, b, c] = apps;
  a?.child.kill('SIGKILL');
  b?.child.kill('SIGKILL');
  await Promise.all([a?.exited, b?.exited]);
  isUp = true;
  const confirmed = apps.flatMap((app) => app.confirmed);
  await eventually(() => new Set(server.taken).size >= 600, {
    what: 'the events of all three, from the one that lives',
  });
  expectWhole(firstArrivals(server), confirmed);
  expect(new Set(firstArrivals(server).map(({ source }) => source.instance)).size).toBe(3);
  c?.child.kill('SIGKILL');
});
