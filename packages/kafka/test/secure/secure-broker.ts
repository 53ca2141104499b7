import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, kafkaProgram } from '@docket/local-stack';
import { noteSpawned } from '@docket/testkit';

const storePassword = 'of-the-test-stores';
export const user = { name: 'docket', password: 'password-of-docket' };

/** A broker that speaks to nobody without TLS, a certificate of the client's and a login. */
export interface SecureBroker {
  readonly address: string;
  /** PEM files: the broker's certificate is its own authority. */
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  stop(): Promise<void>;
}

export async function startSecureBroker(): Promise<SecureBroker> {
  const dir = mkdtempSync(join(tmpdir(), 'docket-secure-broker-'));
  const [port, controllerPort] = [await freePort(), await freePort()];
  const files = makeCertificates(dir);
  const configFile = join(dir, 'server.properties');
  writeFileSync(configFile, properties({ dir, port, controllerPort }));
  format(configFile);
  const log = openSync(join(dir, 'broker.log'), 'w');
  const { command, args } = kafkaProgram('kafka.Kafka', [configFile]);
  const heap = args.map((arg) => (arg === '-Xmx128m' ? '-Xmx384m' : arg));
  const broker = spawn(command, heap, { detached: true, stdio: ['ignore', log, log] });
  const forget = noteSpawned(broker.pid ?? 0, 'secure broker');
  const ended = new Promise<void>((resolve) => {
    broker.once('close', () => resolve());
  });
  return {
    address: `127.0.0.1:${port}`,
    ...files,
    stop: async () => {
      broker.kill('SIGKILL');
      await ended;
      forget();
      rmSync(dir, { recursive: true });
    },
  };
}

function makeCertificates(dir: string): { caFile: string; certFile: string; keyFile: string } {
  const trusted = join(dir, 'trusted.p12');
  const pem = (alias: string): string => {
    const store = join(dir, `${alias}.p12`);
    const certFile = join(dir, `${alias}.pem`);
    const name = ['-dname', 'CN=127.0.0.1', '-ext', 'san=ip:127.0.0.1', '-validity', '2', '-keyalg', 'EC'];
    keytool('-genkeypair', store, alias, ...name);
    keytool('-exportcert', store, alias, '-rfc', '-file', certFile);
    keytool('-importcert', trusted, alias, '-noprompt', '-file', certFile);
    return certFile;
  };
  const [caFile, certFile] = [pem('broker'), pem('client')];
  const keyFile = join(dir, 'client.key');
  const source = fileURLToPath(new URL('PrintKey.java', import.meta.url));
  const { command, args } = kafkaProgram(source, [join(dir, 'client.p12'), storePassword, 'client']);
  writeFileSync(keyFile, execFileSync(command, args), { mode: 0o600 });
  return { caFile, certFile, keyFile };
}

/** Comes with Java. */
function keytool(command: string, store: string, alias: string, ...rest: readonly string[]): void {
  const tool = kafkaProgram('', []).command.replace(/java$/, 'keytool');
  const where = ['-keystore', store, '-storetype', 'PKCS12', '-storepass', storePassword, '-alias', alias];
  execFileSync(tool, [command, ...where, ...rest], { stdio: 'pipe' });
}

function format(configFile: string): void {
  const users = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=${user.name},password=${user.password}]`,
  ]);
  const id = 'c2VjdXJlLWJyb2tlci10ZQ';
  const { command, args } = kafkaProgram('kafka.tools.StorageTool', ['format', '-t', id, '-c', configFile, ...users]);
  execFileSync(command, args, { stdio: 'pipe' });
}

function properties(plan: { dir: string; port: number; controllerPort: number }): string {
  const { dir, port, controllerPort } = plan;
  const login = 'org.apache.kafka.common.security';
  const of = (mechanism: string): string => `listener.name.sasl_ssl.${mechanism}.sasl.jaas.config`;
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `SASL_SSL://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `SASL_SSL://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'SASL_SSL',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(dir, 'data'),
    'auto.create.topics.enable': false,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 1,
    'group.initial.rebalance.delay.ms': 0,
    'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    [of('plain')]:
      `${login}.plain.PlainLoginModule required username="broker" password="of-the-broker" user_broker="of-the-broker" user_${user.name}="${user.password}";`,
    [of('scram-sha-256')]: `${login}.scram.ScramLoginModule required;`,
    [of('scram-sha-512')]: `${login}.scram.ScramLoginModule required;`,
    'listener.name.sasl_ssl.ssl.client.auth': 'required',
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.location': join(dir, 'broker.p12'),
    'ssl.keystore.password': storePassword,
    'ssl.truststore.type': 'PKCS12',
    'ssl.truststore.location': join(dir, 'trusted.p12'),
    'ssl.truststore.password': storePassword,
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}
