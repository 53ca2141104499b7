import { defaultStackDir, startStack } from '@docket/local-stack';
import type { ServiceProcess } from '@docket/testkit';
import { connect } from 'node:net';
import { unlessAborted } from './aborted.ts';
import { checkDelivered, checkIsolation, checkQueryable } from './checks.ts';
import { checkForeignRecords, putForeignRecords } from './foreign-records.ts';
import { killIngestorInFlight } from './ingestor-crash.ts';
import { type Installation, runDocket, startInstallation } from './installation.ts';
import { expectThat, type Report } from './report.ts';
import { keepLogs } from './service-logs.ts';
import { freshnessLines, playScenario } from './scenario.ts';
import { tenants } from './working-day.ts';

/** The whole system on empty data, checked. Resolves when everything is stopped; the report has the failures. */
export async function runSmoke(report: Report, signal: AbortSignal): Promise<void> {
  const startedAtMs = Date.now();
  const stack = await startStack({ dir: defaultStackDir(), fresh: true, report: report.say, signal });
  let processes: ServiceProcess[] = [];
  try {
    const installation = await startInstallation({ stackEnv: stack.env, report: report.say });
    try {
      await unlessAborted(signal, checkAll(installation, report));
    } finally {
      processes = [...installation.processes.values()];
      await report.check('clean stop', async () => {
        await installation.stop();
        return 'every service ended by itself with code 0 after SIGTERM';
      });
      report.say(`logs of the services: ${keepLogs(installation.processes)}`);
    }
  } finally {
    await stack.stop();
  }
  await report.check('nothing left behind', () => nothingLeft(processes, stack.env.KAFKA_BROKERS));
  report.say(`${((Date.now() - startedAtMs) / 1000).toFixed(0)} s`);
}

/** Everything that make smoke asserts of a running installation; prints PASS or FAIL for each, and how fresh it was. */
export async function checkAll(installation: Installation, report: Report): Promise<void> {
  const { env, receivers } = installation;
  const scenario = await playScenario(installation, report.say);
  const { api, accounts } = scenario;
  await report.check('queryable', () => checkQueryable(api, scenario.performed));
  await report.check('isolation (I5)', () => checkIsolation(installation.gatewayUrl, accounts.acmeReaderKey));
  await report.check('foreign records', async () =>
    checkForeignRecords(env, await putForeignRecords(installation, 'acme')),
  );
  await report.check('kill -9 of the ingestor', () => killIngestorInFlight(installation, api, tenants));
  await report.check('delivered to the healthy receiver (I6)', () => checkDelivered(api, 'acme', receivers.healthy));
  await report.check('delivered to the receiver that failed (I6)', () =>
    checkDelivered(api, 'globex', receivers.failing),
  );
  await report.check('docket verify (I2, I3, I4)', async () => {
    const { code, output, errors } = await runDocket(env, 'verify');
    output
      .trim()
      .split('\n')
      .forEach((line) => report.say(`  ${line}`));
    expectThat(code === 0, `exit code ${code} ${errors}`);
    return 'no finding';
  });
  freshnessLines(installation, scenario).forEach(report.say);
}

async function nothingLeft(processes: readonly ServiceProcess[], brokers: string): Promise<string> {
  const alive = processes.filter(({ pid }) => isAlive(pid)).map(({ name, pid }) => `${name} (pid ${pid})`);
  expectThat(alive.length === 0, `still there: ${alive.join(', ')}`);
  const [host = '', port = ''] = brokers.split(':');
  expectThat(!(await answers(host, Number(port))), 'Kafka still answers');
  return `${processes.length} processes and the stack are gone`;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 });
    const end = (isAnswering: boolean) => () => {
      socket.destroy();
      resolve(isAnswering);
    };
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false));
  });
}
