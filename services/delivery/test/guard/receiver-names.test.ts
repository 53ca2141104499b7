import { afterEach, describe, expect, test } from '@jest/globals';

import { eventually } from '@docket/testkit';

import { createReceiverNames } from '../../src/receivers/receiver-names.ts';
import type { ReceiverNames } from '../../src/receivers/receiver-names.ts';
import { createWebhookSender } from '../../src/receivers/webhook-sender.ts';
import { startNameServer } from './name-servers.ts';
import type { NameServer, Zone } from './name-servers.ts';

const closing: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of closing.splice(0)) await one.close();
});

/** 2001:db8::1, as its bytes. */
const six = '20010db8000000000000000000000001';
const nothingFound = { code: 'NAME_NOT_FOUND' };

/** Each once: on a busy machine the resolver asks again when the answer takes a second. */
const questionsTo = (server: NameServer): string[] => [...new Set(server.asked())].toSorted();

async function namesOf(zone: Zone, ttlSeconds?: number): Promise<{ server: NameServer; names: ReceiverNames }> {
  const server = await startNameServer(zone, ttlSeconds);
  const names = createReceiverNames([server.address]);
  closing.push(names, server);
  return { server, names };
}

test('I7: names whose servers never answer hold up no other receiver', async () => {
  // The guard refuses to connect there, which it can only once the name is known.
  const server = await startNameServer({ 'siem.example': { A: ['127.0.0.1'], AAAA: [] } });
  const sender = createWebhookSender({ allowedHosts: [], nameServers: [server.address] });
  closing.push(sender, server);
  const never = new AbortController();
  const send = (name: string) =>
    sender.send({ url: `https://${name}/`, headers: {}, body: Buffer.from('{}') }, never.signal, 'acme');
  const hanging = Array.from({ length: 144 }, (_, index) => send(`a${index}.evil.example`));
  await eventually(() => server.asked().length >= 144, { what: 'the questions', deadlineMs: 5_000 });
  expect(sender.lookups()).toBe(144);

  const beganAtMs = performance.now();
  expect(await send('siem.example')).toEqual({ kind: 'failed', error: 'address_not_allowed' });
  expect(performance.now() - beganAtMs).toBeLessThan(1_000);
  expect(sender.lookups()).toBe(144);

  expect(new Set((await Promise.all(hanging)).map((answer) => JSON.stringify(answer)))).toEqual(
    new Set([JSON.stringify({ kind: 'failed', error: 'dns' })]),
  );
  expect(sender.lookups()).toBe(0);
}, 20_000);

describe('the addresses of a name', () => {
  test('are all that it has, of both kinds', async () => {
    const { names } = await namesOf({ 'siem.example': { A: ['192.0.2.1', '192.0.2.2'], AAAA: [six] } });
    expect(await names.resolve('siem.example')).toEqual([
      { address: '192.0.2.1', family: 4 },
      { address: '192.0.2.2', family: 4 },
      { address: '2001:db8::1', family: 6 },
    ]);
  });

  test('are those that are known when one kind is never answered', async () => {
    const { names } = await namesOf({ 'siem.example': { A: ['192.0.2.1'] } });
    expect(await names.resolve('siem.example')).toEqual([{ address: '192.0.2.1', family: 4 }]);
    expect(names.underWay()).toBe(0);
  });

  test('I8: are eight of a kind at most', async () => {
    const many = Array.from({ length: 20 }, (_, index) => `192.0.2.${index}`);
    const { names } = await namesOf({ 'siem.example': { A: many, AAAA: [] } });
    expect(await names.resolve('siem.example')).toHaveLength(8);
  });

  test('are none of a name that has none: the error names neither server nor network', async () => {
    const { names } = await namesOf({ 'siem.example': { A: [], AAAA: [] } });
    await expect(names.resolve('siem.example')).rejects.toMatchObject(nothingFound);
    await expect(names.resolve('siem.example')).rejects.toThrow(/^\D+$/);
  });
});

describe('a name is asked for', () => {
  const questions = ['A siem.example', 'AAAA siem.example'];

  test('once, however many wait for it', async () => {
    const { server, names } = await namesOf({ 'siem.example': { A: ['192.0.2.1'], AAAA: [] } });
    const found = await Promise.all([1, 2, 3].map(async () => names.resolve('siem.example')));
    expect(new Set(found).size).toBe(1);
    expect(questionsTo(server)).toEqual(questions);
  });

  test('again when what is known has become old', async () => {
    const { server, names } = await namesOf({ 'siem.example': { A: ['192.0.2.1'], AAAA: [] } }, 0);
    await names.resolve('siem.example');
    const first = server.asked().length;
    await names.resolve('siem.example');
    expect(server.asked()).toHaveLength(first);
    await eventually(
      async () => {
        await names.resolve('siem.example');
        return server.asked().length > first;
      },
      { what: 'another look-up', deadlineMs: 20_000 },
    );
  });

  test('not again at once when it was not found', async () => {
    const { server, names } = await namesOf({ 'siem.example': { A: [], AAAA: [] } });
    await expect(names.resolve('siem.example')).rejects.toMatchObject(nothingFound);
    await expect(names.resolve('siem.example')).rejects.toMatchObject(nothingFound);
    expect(questionsTo(server)).toEqual(questions);
  });

  test('no longer once the process ends', async () => {
    const { server, names } = await namesOf({});
    const found = expect(names.resolve('siem.example')).rejects.toMatchObject(nothingFound);
    await eventually(() => server.asked().length >= 2, { what: 'the questions', deadlineMs: 5_000 });
    names.close();
    await found;
    expect(names.underWay()).toBe(0);
  });
});
