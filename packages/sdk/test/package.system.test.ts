import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codeBlocks } from '../../../test/docs/code-blocks-mapper.ts';
import { type ScriptedGateway, startScriptedGateway } from './scripted-gateway.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** npm asks its registry for the dependencies. */
const installDeadlineMs = 180_000;

let project: string;
let gateway: ScriptedGateway;

function run(program: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  const settings = { cwd: project, timeout: installDeadlineMs, env: { ...process.env, ...env } };
  return new Promise((resolve, reject) => {
    execFile(program, args, settings, (error, stdout, stderr) => {
      if (error === null) resolve(stdout.trim());
      else reject(new Error(`${error.message}\n${stdout}${stderr}`));
    });
  });
}

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'docket-sdk-package-'));
  gateway = await startScriptedGateway(() => ({ kind: 'accept' }));
  const tarball = await run(process.execPath, [join(root, 'scripts', 'pack-sdk.js'), join(project, 'packed')]);
  await writeFile(join(project, 'package.json'), '{ "name": "an-application", "private": true }');
  // As npm 11 does by default: no package of it may need an install script.
  await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', tarball]);
}, installDeadlineMs);

afterAll(async () => {
  await gateway.close();
  await rm(project, { recursive: true });
});

async function runExample(file: string, text: string): Promise<string> {
  await writeFile(join(project, file), text);
  const state = join(project, 'state');
  return run(process.execPath, [file], {
    DOCKET_URL: gateway.url,
    DOCKET_KEY: 'dk_test_secret',
    XDG_STATE_HOME: state,
  });
}

async function firstExample(): Promise<string> {
  const [example = ''] = codeBlocks(await readFile(join(project, 'node_modules/@docket/sdk/README.md'), 'utf8'), 'js');
  expect(example).toContain("import { createDocket } from '@docket/sdk';");
  return example;
}

const recorded = () => gateway.requests.flatMap(({ events }) => events).map(({ action }) => action);

/** Rejects with the compiler's complaints. Jest's types are those of this repository. */
async function compile(file: string, text: string): Promise<void> {
  const folder = join(project, 'types');
  const typesOf = (name: string): string[] => [join(root, 'node_modules', name, 'build', 'index.d.ts')];
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, file), text);
  const compilerOptions = {
    strict: true,
    module: 'nodenext',
    target: 'es2022',
    noEmit: true,
    skipLibCheck: false,
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
    paths: { '@jest/globals': typesOf('@jest/globals'), expect: typesOf('expect') },
  };
  const config = join(folder, `${file}.json`);
  await writeFile(config, JSON.stringify({ compilerOptions, files: [file] }));
  await run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', config]);
}

describe('the package, installed into an empty project', () => {
  test("the README's first example records its event as an ES module, and as CommonJS with the line it names", async () => {
    const example = await firstExample();
    expect(await runExample('example.mjs', example)).toMatch(/ok: true.*kept: 'disk'/s);
    expect(recorded()).toEqual(['report.exported']);
    const body = example.replace(/^import .*$/m, "const { createDocket } = require('@docket/sdk');");
    // Outside a module, await needs a function.
    const common = body.replace(/const outcome/, '(async () => {\nconst outcome') + '\n})();';
    expect(await runExample('example.cjs', common)).toMatch(/ok: true.*kept: 'disk'/s);
    expect(recorded()).toEqual(['report.exported', 'report.exported']);
  });

  /** Loads entries both ways, and prints what `check` makes of them. */
  async function loadBothWays(paths: string[], check: string): Promise<string> {
    const text = `import { createRequire } from 'node:module';
      const require = createRequire(import.meta.url);
      for (const path of ${JSON.stringify(paths)}) {
        const [one, other] = [await import(path), require(path)];
        const names = (module) => Object.keys(module).filter((name) => name !== 'default').sort().join();
        if (names(one) !== names(other) || names(one) === '') throw new Error(path + ' ' + names(one) + ' ' + names(other));
      }
      ${check}`;
    return runExample('entries.mjs', text);
  }

  test('every entry loads both ways, and both share one audit context', async () => {
    const check = `const { withAuditContext } = await import('@docket/sdk');
      console.log(withAuditContext({ tenantId: 'acme' }, () => require('@docket/sdk').currentAuditContext().tenantId));`;
    const names = ['', '/express', '/testing'].map((name) => `@docket/sdk${name}`);
    expect(await loadBothWays(names, check)).toBe('acme');
  });

  test('it brings no package of this repository, and few others', async () => {
    const lock = JSON.parse(await readFile(join(project, 'package-lock.json'), 'utf8'));
    const packages = Object.keys(lock.packages).filter((path) => path.startsWith('node_modules/'));
    expect(packages.filter((path) => path.includes('@docket/'))).toEqual(['node_modules/@docket/sdk']);
    expect(packages.length).toBeLessThanOrEqual(15);
    const manifest = await readFile(join(project, 'node_modules/@docket/sdk/package.json'), 'utf8');
    expect(manifest).not.toContain('docket-source');
  });

  test.each(['mts', 'cts'])(
    'a .%s file that uses it compiles, with the types of everything that it brings',
    async (extension) => {
      const text = `import { createDocket, defineActions, diff, type Docket, type EventOf } from '@docket/sdk';
      import { auditContext } from '@docket/sdk/express';
      import { recordingDocket } from '@docket/sdk/testing';
      const actions = defineActions({ 'a.b': { resources: ['document'] } });
      const docket: Docket<EventOf<typeof actions>> = createDocket({ actions, url: 'http://x', key: 'k', source: { service: 's' } });
      void docket.record({ action: 'a.b', resources: [{ type: 'document', id: '1' }], changes: diff({}, {}) });
      // @ts-expect-error: no such action
      void docket.record({ action: 'a.c', resources: [] });
      void recordingDocket().recorded.events;
      void auditContext();`;
      await compile(`use.${extension}`, text);
    },
  );

  test("the README's example of a test compiles, with the matchers that it declares", async () => {
    const readme = await readFile(join(project, 'node_modules/@docket/sdk/README.md'), 'utf8');
    const [example = ''] = codeBlocks(readme, 'ts').filter((block) => block.includes('toHaveRecorded'));
    expect(example).toContain('declare module');
    const yours = `declare function deleteDocument(id: string, uses: { docket: import('@docket/sdk').Docket }): Promise<void>;`;
    await compile('example.test.mts', `${example}\n${yours}`);
  });

  test(
    'with the packages that it names as optional, the Kafka transport and the metrics load both ways too',
    async () => {
      const { devDependencies, peerDependencies } = JSON.parse(
        await readFile(join(root, 'packages/sdk/package.json'), 'utf8'),
      );
      const peers = Object.keys(peerDependencies).map(
        (name) => `${name}@${devDependencies[name] ?? peerDependencies[name]}`,
      );
      await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', ...peers]);
      const check = `const options = { brokers: ['127.0.0.1:9'], registry: { url: 'http://127.0.0.1:9' } };
        for (const { kafkaTransport } of [await import('@docket/sdk/kafka'), require('@docket/sdk/kafka')])
          console.log(kafkaTransport(options).destination);`;
      const printed = await loadBothWays(['@docket/sdk/kafka', '@docket/sdk/prometheus'], check);
      expect(printed.split('\n')).toEqual(Array(2).fill('kafka:127.0.0.1:9/audit.events'));
    },
    installDeadlineMs,
  );
});
