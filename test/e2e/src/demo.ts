import { defaultStackDir, formatEnvFile, startStack } from '@docket/local-stack';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { aborted, unlessAborted } from './aborted.ts';
import { checkDelivered } from './checks.ts';
import { type Installation, startInstallation } from './installation.ts';
import type { Report } from './report.ts';
import { keepLogs } from './service-logs.ts';
import { actionLines, freshnessLines, playScenario, type Scenario } from './scenario.ts';

const gatewayPort = 8080;
const saasAppPort = 3000;

/** The whole system on empty data, driven by people who use the example application; then it stays up until `signal` aborts. */
export async function runDemo(report: Report, signal: AbortSignal): Promise<void> {
  const envFile = join(defaultStackDir(), 'demo.env');
  const stack = await startStack({ dir: defaultStackDir(), fresh: true, report: report.say, signal });
  try {
    const options = { stackEnv: stack.env, gatewayPort, saasAppPort, report: report.say };
    const installation = await startInstallation(options);
    try {
      const scenario = await unlessAborted(signal, playScenario(installation, report.say));
      const { healthy, failing } = installation.receivers;
      await report.check("acme's receiver", () => checkDelivered(scenario.api, 'acme', healthy));
      await report.check("globex' receiver, which failed", () => checkDelivered(scenario.api, 'globex', failing));
      (await actionLines(scenario)).forEach(report.say);
      freshnessLines(installation, scenario).forEach(report.say);
      writeFileSync(envFile, formatEnvFile(demoEnv(stack.env, installation, scenario)), { mode: 0o600 });
      report.say(invitation(installation, scenario));
      const failure = await Promise.race([stack.failed, aborted(signal), serviceEnded(installation)]);
      if (failure !== undefined) await report.check('the demo stays up', () => Promise.reject(failure));
    } finally {
      rmSync(envFile, { force: true });
      report.say('stopping');
      await report.check('clean stop', async () => {
        await installation.stop();
        return 'every service ended by itself';
      });
      report.say(`logs of the services: ${keepLogs(installation.processes)}`);
    }
  } finally {
    await stack.stop();
  }
}

function demoEnv(stackEnv: Readonly<Record<string, string>>, installation: Installation, scenario: Scenario) {
  return {
    ...stackEnv,
    DOCKET_URL: installation.gatewayUrl,
    DOCKET_KEY: scenario.accounts.operatorKey,
    DOCKET_BOOTSTRAP_TOKEN: installation.bootstrapToken,
    SAAS_APP_URL: scenario.saasAppUrl,
    SAAS_APP_PASSWORD: scenario.seedPassword,
  };
}

function invitation({ gatewayUrl }: Installation, { saasAppUrl, performed }: Scenario): string {
  const { tenantId, requestId } = performed.at(-1) ?? { tenantId: '', requestId: '' };
  return `
Docket is at ${gatewayUrl}, the example application at ${saasAppUrl}. Try, in another shell:

  set -a; . .local/demo.env; set +a

  # what happened at acme, newest first
  curl -sS "$DOCKET_URL/v1/events?tenant_id=acme&limit=3" -H "Authorization: Bearer $DOCKET_KEY"

  # who was refused something, and what support did for customers
  curl -sS "$DOCKET_URL/v1/events?tenant_id=globex&outcome=denied&limit=3" -H "Authorization: Bearer $DOCKET_KEY"
  curl -sS "$DOCKET_URL/v1/events?tenant_id=globex&actor_id=u_sam&limit=3" -H "Authorization: Bearer $DOCKET_KEY"

  # one request of the application
  curl -sS "$DOCKET_URL/v1/events?tenant_id=${tenantId}&request_id=${requestId}" -H "Authorization: Bearer $DOCKET_KEY"

  # sign in to the application yourself, with a wrong password, and find it in the log
  curl -sS "$SAAS_APP_URL/sign-in" -H 'Content-Type: application/json' -d '{"organisation":"acme","email":"jane@acme.example","password":"guess"}'
  curl -sS "$DOCKET_URL/v1/events?tenant_id=acme&outcome=failure&limit=1" -H "Authorization: Bearer $DOCKET_KEY"

  # is the log whole?
  make verify

Ctrl-C stops everything.
`;
}

async function serviceEnded({ processes }: Installation): Promise<Error> {
  const ends = [...processes].map(async ([name, service]) => {
    const { code, signal } = await service.exited;
    return new Error(`${name} ended with ${signal ?? `code ${code}`}:\n${service.logs.slice(-20).join('\n')}`);
  });
  return Promise.race(ends);
}
