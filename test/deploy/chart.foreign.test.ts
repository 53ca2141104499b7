import { beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readSettings } from '@docket/runtime';
import { parse } from 'yaml';
import { repositoryRoot } from '../compose/compose-file.ts';
import { writeSecretsFile } from '../compose/secrets-file.ts';
import { settingsOf } from '../compose/service-settings.ts';

const run = promisify(execFile);
const chart = join(repositoryRoot, 'deploy', 'helm', 'docket');
const renderer = join(repositoryRoot, '.local', 'render-chart');
const valuesFile = join(tmpdir(), `docket-values-${process.pid}.json`);

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef: { readonly name: string; readonly optional: boolean } };
}

interface Container {
  readonly args: readonly string[];
  readonly env: readonly Variable[];
  readonly ports?: readonly { readonly containerPort: number }[];
  readonly readinessProbe?: { readonly httpGet: { readonly path: string } };
  readonly securityContext: { readonly readOnlyRootFilesystem: boolean };
}

interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly replicas?: number;
    readonly strategy?: { readonly type: string };
    readonly rules?: readonly {
      readonly host: string;
      readonly http: { readonly paths: readonly { path: string }[] };
    }[];
    readonly selector?: Readonly<Record<string, unknown>>;
    readonly template?: {
      readonly metadata: {
        readonly labels: Readonly<Record<string, string>>;
        readonly annotations: Readonly<Record<string, string>>;
      };
      readonly spec: { readonly containers: readonly Container[] };
    };
  };
}

const required = {
  KAFKA_BROKERS: 'kafka:9092',
  SCHEMA_REGISTRY_URL: 'http://registry:8081',
  CLICKHOUSE_URL: 'http://clickhouse:8123',
};

/** What Helm would install, held against the types of Kubernetes. Rejects with Helm's own words. */
async function render(values: object): Promise<KubernetesObject[]> {
  writeFileSync(valuesFile, JSON.stringify(values));
  try {
    const { stdout } = await run(renderer, [chart, valuesFile]);
    return JSON.parse(stdout) as KubernetesObject[];
  } finally {
    rmSync(valuesFile);
  }
}

let objects: KubernetesObject[];
beforeAll(async () => {
  mkdirSync(join(repositoryRoot, '.local'), { recursive: true });
  const source = join(repositoryRoot, 'deploy', 'helm', 'test', 'render');
  await run('go', ['build', '-o', renderer, '.'], { cwd: source }).catch((cause: unknown) => {
    throw new Error('this test needs Go >= 1.26 and the Go module proxy', { cause });
  });
  objects = await render({ settings: required });
}, 900_000);

const containerOf = (service: string, among = objects): Container => {
  const containers = among.flatMap(({ spec }) => spec.template?.spec.containers ?? []);
  const found = containers.find(({ args }) => args[0] === service);
  if (found === undefined) throw new Error(`the chart runs no ${service}`);
  return found;
};

describe('the chart', () => {
  const secretsFile = writeSecretsFile();
  const secrets = secretsFile.read();
  secretsFile.remove();

  test.each(Object.entries(settingsOf))(
    '%s: is given the settings that it needs, secrets from the Secret alone',
    (service, settings) => {
      const { env } = containerOf(service);
      const declared = new Map(Object.values(settings).map((declaration) => [declaration.env, declaration]));
      const fromSecret = env.filter(({ valueFrom }) => valueFrom !== undefined);
      const secretNames = [...declared.values()].filter(({ secret }) => secret).map((one) => one.env);
      expect(fromSecret.map(({ name }) => name).toSorted()).toEqual(secretNames.toSorted());
      for (const { valueFrom } of fromSecret) expect(valueFrom?.secretKeyRef.name).toBe('docket');
      const withSecrets = Object.fromEntries(
        env.map(({ name, value, valueFrom }) => [
          name,
          valueFrom?.secretKeyRef.optional === true ? undefined : (value ?? secrets[name]),
        ]),
      );
      expect(() => readSettings(settings, withSecrets)).not.toThrow();
    },
  );

  test.each(Object.keys(settingsOf).filter((name) => name !== 'migrate'))(
    '%s: is asked on its own port whether it is ready, and cannot write to its image',
    (service) => {
      const { ports, readinessProbe, securityContext } = containerOf(service);
      const port = readSettings({ httpPort: settingsOf[service]?.['httpPort'] ?? never() }, {}).httpPort;
      expect(ports).toEqual([{ name: 'http', containerPort: port }]);
      expect(readinessProbe?.httpGet.path).toBe('/readyz');
      expect(securityContext.readOnlyRootFilesystem).toBe(true);
    },
  );

  test('deploy/prometheus/kubernetes.yml scrapes each service’s pods, as the job that the alerts know, at its port', () => {
    const config: { scrape_configs: { relabel_configs: Relabelling[] }[] } = parse(
      readFileSync(join(repositoryRoot, 'deploy', 'prometheus', 'kubernetes.yml'), 'utf8'),
    );
    const targets = objects.flatMap(({ spec: { template } }) => {
      if (template === undefined) return [];
      const { labels, annotations } = template.metadata;
      const discovered = Object.fromEntries([
        ['__meta_kubernetes_pod_ip', '10.0.0.1'],
        ...Object.entries(labels).map(([name, value]) => [`__meta_kubernetes_pod_label_${asLabel(name)}`, value]),
        ...Object.entries(annotations ?? {}).map(([name, value]) => [
          `__meta_kubernetes_pod_annotation_${asLabel(name)}`,
          value,
        ]),
      ]);
      const found = relabelled(discovered, config.scrape_configs[0]?.relabel_configs ?? []);
      return found === undefined ? [] : [`${found['job']} ${found['__address__']}`];
    });
    expect(targets.toSorted()).toEqual([
      'docket-admin 10.0.0.1:8082',
      'docket-delivery 10.0.0.1:8084',
      'docket-gateway 10.0.0.1:8080',
      'docket-ingestor 10.0.0.1:8083',
      'docket-query 10.0.0.1:8081',
    ]);
  });

  test('admin is alone, and the old one goes before the new one comes', () => {
    const admin = objects.find(({ metadata }) => metadata.name === 'docket-admin');
    expect(admin?.spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
  });

  test('the gateway finds the others by the names of their services', () => {
    const services = objects.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata.name);
    const hosts = containerOf('gateway').env.flatMap(({ name, value = '' }) =>
      /^(QUERY|ADMIN|DELIVERY)_URL$/.test(name) ? [new URL(value).hostname] : [],
    );
    expect(hosts).toHaveLength(3);
    for (const host of hosts) expect(services).toContain(host);
  });

  test('a service’s own setting is its own, and goes before that of all', async () => {
    const found = await render({
      settings: { ...required, LOG_LEVEL: 'info' },
      query: { settings: { LOG_LEVEL: 'debug' } },
    });
    const level = (service: string) => containerOf(service, found).env.find(({ name }) => name === 'LOG_LEVEL')?.value;
    expect([level('query'), level('gateway')]).toEqual(['debug', 'info']);
  });

  test('an ingress leads to the gateway', async () => {
    const ingress = { enabled: true, hosts: ['docket.example.com'] };
    const found = await render({ settings: required, gateway: { ingress } });
    const [rule] = found.find(({ kind }) => kind === 'Ingress')?.spec.rules ?? [];
    expect(rule?.host).toBe('docket.example.com');
    // What its API has, and nothing of what is for the operator.
    const paths = rule?.http.paths.map(({ path }) => path) ?? [];
    expect(paths.toSorted()).toEqual(['/docs', '/openapi.json', '/v1']);
    const { paths: served }: { paths: object } = JSON.parse(
      readFileSync(join(repositoryRoot, 'schemas', 'openapi', 'gateway.json'), 'utf8'),
    );
    const passed = (path: string) => paths.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));
    expect(
      Object.keys(served)
        .filter((path) => !passed(path))
        .toSorted(),
    ).toEqual(['/healthz', '/metrics', '/readyz']);
    // Its word about where a request came from is taken; the others take the gateway's, which is their default.
    const hops = (service: string) =>
      containerOf(service, found).env.find(({ name }) => name === 'TRUSTED_PROXY_HOPS')?.value;
    expect(['gateway', 'query', 'admin', 'ingestor'].map(hops)).toEqual(['1', undefined, undefined, undefined]);
  });

  test('a setting without which nothing can run is asked for by its name', async () => {
    await expect(render({ settings: { KAFKA_BROKERS: 'kafka:9092' } })).rejects.toThrow(
      'set settings.SCHEMA_REGISTRY_URL',
    );
  });
});

interface Relabelling {
  readonly source_labels: readonly string[];
  readonly separator?: string;
  readonly regex?: string;
  readonly action?: string;
  readonly target_label?: string;
  readonly replacement?: string;
}

/** As Prometheus names what Kubernetes does not name by its rules. */
const asLabel = (name: string): string => name.replaceAll(/[^a-zA-Z0-9_]/g, '_');

/** What Prometheus makes of a target's labels, by the two actions that are used; undefined: it is dropped. */
function relabelled(
  discovered: Readonly<Record<string, string>>,
  steps: readonly Relabelling[],
): Readonly<Record<string, string>> | undefined {
  const labels = { ...discovered };
  for (const { source_labels: sources, separator = ';', regex = '(.*)', action = 'replace', ...to } of steps) {
    const value = sources.map((name) => labels[name] ?? '').join(separator);
    const isMatch = new RegExp(`^(?:${regex})$`).test(value);
    if (action === 'keep' && !isMatch) return undefined;
    if (action === 'replace' && isMatch && to.target_label !== undefined)
      labels[to.target_label] = value.replace(new RegExp(`^(?:${regex})$`), to.replacement ?? '$1');
  }
  return labels;
}

function never(): never {
  throw new Error('a service without a port');
}
