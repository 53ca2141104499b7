import { eventually } from '@docket/testkit';
import { createDocketApi, type DocketApi } from './docket-api.ts';
import type { Installation } from './installation.ts';
import { tenants } from './working-day.ts';

/** Credentials and subscriptions of the scenario, made through the admin API. */
export interface Accounts {
  /** The application's key: events:write for its tenants. */
  appKey: string;
  /** Reads one tenant's log. */
  acmeReaderKey: string;
  /** Reads and writes every log. */
  operatorKey: string;
}

/** Makes tenants, keys and a subscription for each receiver; resolves when the gateway knows the keys. */
export async function createAccounts(installation: Installation): Promise<Accounts> {
  const { gatewayUrl, bootstrapToken, receivers } = installation;
  const admin = createDocketApi(gatewayUrl, bootstrapToken);
  for (const id of tenants) await admin.must('POST', '/v1/tenants', { id });
  const newKey = async (name: string, scopes: string[], of: string[] | '*'): Promise<string> => {
    const made = await admin.must<{ key: string }>('POST', '/v1/keys', { name, scopes, tenants: of });
    return made.key;
  };
  receivers.healthy.expectSecrets(await subscribe(admin, 'acme', receivers.healthy.url));
  receivers.failing.expectSecrets(await subscribe(admin, 'globex', receivers.failing.url));
  const accounts = {
    appKey: await newKey('saas-app', ['events:write'], [...tenants]),
    acmeReaderKey: await newKey('acme reader', ['events:read'], ['acme']),
    operatorKey: await newKey('operator', ['events:read', 'events:write', 'subscriptions:write', 'admin'], '*'),
  };
  // Every service follows the directory on its own: a key works a moment after it was made. The last one made is the last one known.
  const operator = createDocketApi(gatewayUrl, accounts.operatorKey);
  await eventually(async () => (await operator.call('GET', '/v1/events?tenant_id=acme&limit=1')).status === 200, {
    what: 'the new key is known to query',
  });
  await eventually(async () => (await operator.call('POST', '/v1/events', { events: [] })).status !== 401, {
    what: 'the new key is known to the gateway',
  });
  return accounts;
}

async function subscribe(admin: DocketApi, tenantId: string, receiverUrl: string): Promise<string> {
  const made = await admin.must<{ secret: string }>('POST', '/v1/subscriptions', {
    tenant_id: tenantId,
    name: `SIEM of ${tenantId}`,
    sink: { type: 'webhook', url: `${receiverUrl}/${tenantId}` },
    batch: { max_wait_ms: 100 },
    start: 'beginning',
  });
  return made.secret;
}
