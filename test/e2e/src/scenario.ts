import { randomBytes } from 'node:crypto';
import { type Accounts, createAccounts } from './accounts.ts';
import { createDocketApi, type DocketApi } from './docket-api.ts';
import { receivedSamplesMs, shownPercentiles, watchFreshness } from './freshness.ts';
import type { Installation } from './installation.ts';
import { createSaasClient, type Performed } from './saas-client.ts';
import { tenants, workOneRound } from './working-day.ts';

/** 16 actions each. */
const rounds = 8;
/** How long the failing receiver answers 500. */
const failingForMs = 10_000;
const queryableDeadlineMs = 60_000;

export interface Scenario {
  accounts: Accounts;
  /** With the operator's key. */
  api: DocketApi;
  performed: Performed[];
  /** ms from each action until it could be queried. */
  queryableMs: number[];
  saasAppUrl: string;
  seedPassword: string;
}

/**
 * What make demo and make smoke have in common: accounts, the example application, and people who use it, while one of the
 * two receivers answers 500. Resolves when every action can be queried.
 */
export async function playScenario(installation: Installation, say: (line: string) => void): Promise<Scenario> {
  const accounts = await createAccounts(installation);
  say('made 3 tenants, 3 keys, and subscriptions of acme and globex, each to a receiver of its own');
  const seedPassword = randomBytes(12).toString('hex');
  const saasAppUrl = await installation.startSaasApp(accounts.appKey, seedPassword);
  const api = createDocketApi(installation.gatewayUrl, accounts.operatorKey);

  installation.receivers.failing.answer({ kind: 'status', status: 500, durationMs: failingForMs });
  say(`globex' receiver answers 500 for the next ${failingForMs / 1000} s`);
  const performed: Performed[] = [];
  const watch = watchFreshness(api);
  const client = createSaasClient(saasAppUrl, (one) => {
    performed.push(one);
    watch.expect(one);
  });
  try {
    for (let round = 1; round <= rounds; round += 1) {
      await workOneRound(client, seedPassword, round);
      await watch.allFound(queryableDeadlineMs);
    }
  } finally {
    await watch.stop();
  }
  say(`${performed.length} actions in the application, by way of the SDK`);
  return { accounts, api, performed, queryableMs: watch.samplesMs(), saasAppUrl, seedPassword };
}

/** One line for each tenant: what its log says was done, and how often. */
export async function actionLines({ api }: Scenario): Promise<string[]> {
  return Promise.all(
    tenants.map(async (tenantId) => {
      const events = await api.search({ tenant_id: tenantId });
      const counts = new Map<string, number>();
      for (const { action, outcome } of events) {
        const name = outcome === 'success' ? action : `${action} (${outcome})`;
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
      const shown = [...counts].map(([name, count]) => `${count} ${name}`);
      return `log of ${tenantId}: ${events.length} events: ${shown.join(', ')}`;
    }),
  );
}

/** One line for each of the two ways on which events go on. */
export function freshnessLines(installation: Installation, scenario: Scenario): string[] {
  const ofAcme = scenario.performed.filter(({ tenantId }) => tenantId === 'acme');
  return [
    `freshness, action to queryable: ${shownPercentiles(scenario.queryableMs)}`,
    `freshness, action to received (acme's receiver, which was up): ${shownPercentiles(receivedSamplesMs(installation.receivers.healthy, ofAcme))}`,
  ];
}
