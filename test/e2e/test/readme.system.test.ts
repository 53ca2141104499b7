import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { formatEnvFile } from '@docket/local-stack';
import { createWorld, eventually, type World } from '@docket/testkit';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codeBlocks } from '../../docs/code-blocks-mapper.ts';
import { createAccounts } from '../src/accounts.ts';
import { createDocketApi, type DocketApi } from '../src/docket-api.ts';
import { type Installation, startInstallation } from '../src/installation.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const apiByTask = readFileSync(join(root, 'docs', 'api.md'), 'utf8');
const startDeadlineMs = 180_000;
const commandTimeoutMs = 60_000;
/** In docs/api.md: a part of the task's lines, where what they show can be read, and what has to be there. */
const awaitedByTask = [
  {
    task: 'action=docket.log.*',
    path: '/v1/events?tenant_id=initech&action=docket.log.*&limit=5',
    text: 'docket.log.searched',
  },
  { task: '/v1/quarantine?tenant_id=*', path: '/v1/quarantine?tenant_id=initech', text: 'rejected' },
];

let world: World;
let installation: Installation;
let api: DocketApi;
/** Stands in for the checkout: it holds what make demo writes. Below it, packages of the checkout are found. */
let directory: string;

beforeAll(async () => {
  world = await createWorld();
  installation = await startInstallation({ stackEnv: world.env, report: () => undefined });
  const { operatorKey } = await createAccounts(installation);
  api = createDocketApi(installation.gatewayUrl, operatorKey);
  mkdirSync(join(root, '.local'), { recursive: true });
  directory = mkdtempSync(join(root, '.local', 'readme-'));
  mkdirSync(join(directory, '.local'));
  const env = { DOCKET_URL: installation.gatewayUrl, DOCKET_KEY: operatorKey };
  writeFileSync(join(directory, '.local', 'demo.env'), formatEnvFile(env));
}, startDeadlineMs);

afterAll(async () => {
  rmSync(directory, { recursive: true, force: true });
  await installation.stop();
  await world.close();
}, startDeadlineMs);

/** Runs a program in the stand-in for the checkout; rejects with its output when it fails. */
function run(program: string, args: string[], env: Record<string, string>): Promise<string> {
  const settings = { cwd: directory, timeout: commandTimeoutMs, env: { PATH: process.env['PATH'], ...env } };
  return new Promise((resolve, reject) => {
    execFile(program, args, settings, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${error.message}\n${stdout}${stderr}`));
    });
  });
}

test("the README's curl lines work as printed, one after the other in one shell", async () => {
  const blocks = codeBlocks(readme, 'sh').filter((block) => block.includes('curl'));
  expect(blocks.length).toBeGreaterThanOrEqual(2);
  const output = await run('bash', ['-e', '-c', blocks.join('\n')], {});
  expect(output).toContain('"status":"published"');
  expect(output).toContain('"name":"Quarterly numbers"');
  expect(output).toContain('"whsec_');
  // Sent again it is still one event.
  await run('bash', ['-e', '-c', blocks[0] ?? ''], {});
  const found = await api.search({ tenant_id: 'acme', action: 'report.exported' });
  expect(found).toHaveLength(1);
}, 120_000);

test("docs/api.md's lines work as printed, one after the other in one shell", async () => {
  const output = await run('bash', ['-e', '-c', codeBlocks(apiByTask, 'sh').map(atPeoplesPace).join('\n')], {});
  // What each task shows, in its order.
  const shown = [
    '"tenants":"*"',
    '"name":"Initech"',
    '"results":[{"id":"0199f3c2-7d10-7000-8000-00000000000a","status":"published"}]',
    '"status":"quarantined"',
    '"name":"TPS report"',
    '"actor":{"type":"user","id":"u_milton","name":"Milton Waddams"}',
    '"next_cursor":',
    '"interval":"1h"',
    '{"value":"report.exported","count":1}',
    '"next_after":',
    'retry: 1000',
    '"is_final":',
    '"subscriptions":[]',
    '{"manifest":{"export_id":',
    '"state":"complete"',
    '"id","seq","occurred_at",',
    '"actor":{"type":"user","id":"u_peter"',
    '"state":"paused"',
    '"revoked_at":',
    '"action":"docket.log.searched"',
    '"reason":"rejected"',
    '"status":"published"',
    'did you mean `actor`?',
    '"openapi":"3.1.0"',
  ];
  let from = 0;
  for (const text of shown) {
    const found = output.indexOf(text, from);
    expect([text, found >= 0]).toEqual([text, true]);
    from = found;
  }
  // Each record of the task that records is one event, however often it is sent: four, and one that was set aside until it was mended.
  // Its readings are told in the log too.
  const recorded = await eventually(
    async () => {
      const found = await api.search({ tenant_id: 'initech' });
      const events = found.filter(({ action }) => !action.startsWith('docket.'));
      return events.length < 5 ? undefined : events;
    },
    { what: 'the mended event' },
  );
  expect(recorded).toHaveLength(5);
}, 120_000);

test("the README's SDK example records its event", async () => {
  const [example = ''] = codeBlocks(readme, 'js');
  const file = join(directory, 'example.mjs');
  writeFileSync(file, example);
  const env = { DOCKET_URL: installation.gatewayUrl, DOCKET_KEY: demoKey(), XDG_STATE_HOME: directory };
  await run(process.execPath, [file], env);
  const event = await eventually(async () => (await api.search({ tenant_id: 'acme', action: 'report.deleted' }))[0], {
    what: 'the event of the example',
  });
  expect(event).toMatchObject({ actor: { type: 'user', id: 'u_jane' }, resources: [{ type: 'report', id: 'r_7' }] });
}, 120_000);

/** What becomes readable by itself a moment later is there when a person comes to its task; the script is faster, and waits for it. */
function atPeoplesPace(block: string): string {
  const awaited = awaitedByTask.find(({ task }) => block.includes(task));
  if (awaited === undefined) return block;
  return `until api "$DOCKET_URL${awaited.path}" | grep -q '${awaited.text}'; do sleep 0.1; done\n${block}`;
}

function demoKey(): string {
  const [, key = ''] = /^DOCKET_KEY=(.*)$/m.exec(readFileSync(join(directory, '.local', 'demo.env'), 'utf8')) ?? [];
  return key;
}
