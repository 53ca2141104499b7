import { checkBatchChain, eventually, type Receiver } from '@docket/testkit';
import { createDocketApi, type DocketApi, type ShownEvent } from './docket-api.ts';
import type { Performed } from './saas-client.ts';
import { expectThat } from './report.ts';

/** A receiver that failed for a while is tried again at most this long after: the retry delay's cap, and then the backlog. */
const deliveredDeadlineMs = 120_000;

/** Every request's event is found by its request id, once, with the tenant, actor, resource and context it must have. */
export async function checkQueryable(api: DocketApi, performed: readonly Performed[]): Promise<string> {
  for (const one of performed) {
    const found = await api.search({ tenant_id: one.tenantId, request_id: one.requestId });
    expectThat(found.length === 1, `${found.length} events for ${one.action} of request ${one.requestId}`);
    const differences = found.flatMap((event) => differencesOf(one, event));
    expectThat(differences.length === 0, `${one.action} of request ${one.requestId}: ${differences.join(', ')}`);
  }
  return `${performed.length} actions, each found once, with tenant, actor, resource and context`;
}

function differencesOf(expected: Performed, event: ShownEvent): string[] {
  const [resource] = event.resources ?? [];
  const pairs: [string, unknown, unknown][] = [
    ['tenant_id', event.tenant_id, expected.tenantId],
    ['action', event.action, expected.action],
    ['outcome', event.outcome, expected.outcome],
    ['actor.id', event.actor.id, expected.actorId],
    ['on_behalf_of.id', event.on_behalf_of?.id, expected.onBehalfOfId],
    ['resource', resource && `${resource.type}:${resource.id}`, expected.resource],
    ['context.ip', event.context?.ip, expected.ip],
    ['context.user_agent', event.context?.user_agent, expected.userAgent],
  ];
  return pairs
    .filter(([, actual, wanted]) => actual !== wanted)
    .map(([name, actual, wanted]) => `${name} is ${String(actual)}, not ${String(wanted)}`);
}

/** I5: a key of one tenant reads that tenant's events only. */
export async function checkIsolation(gatewayUrl: string, acmeReaderKey: string): Promise<string> {
  const api = createDocketApi(gatewayUrl, acmeReaderKey);
  const own = await api.search({});
  const strangers = own.filter((event) => event.tenant_id !== 'acme');
  expectThat(own.length > 0 && strangers.length === 0, `${strangers.length} of ${own.length} events are not acme's`);
  const { status: foreign } = await api.call('GET', '/v1/events?tenant_id=globex');
  const { status: unknown } = await api.call('GET', '/v1/events?tenant_id=nobody');
  expectThat(foreign === 403 && unknown === 403, `other tenants answer ${foreign}, unknown ones ${unknown}`);
  const { status: anonymous } = await createDocketApi(gatewayUrl, 'dk_wrong_key').call('GET', '/v1/events');
  expectThat(anonymous === 401, `a made-up key answers ${anonymous}`);
  return `acme's key reads ${own.length} events of acme; other tenants 403, existing or not; a made-up key 401`;
}

/**
 * I6: the receiver has acknowledged every event of its tenant that the API shows, in seq order, by a chain of batches without
 * a gap, each with a valid signature.
 */
export async function checkDelivered(api: DocketApi, tenantId: string, receiver: Receiver): Promise<string> {
  const wanted = (await api.search({ tenant_id: tenantId })).map(({ id }) => id);
  const chain = await eventually(
    () => {
      const read = readReceived(receiver);
      return new Set(wanted).size <= new Set(read.events.map(({ id }) => id)).size ? read : undefined;
    },
    { what: `${wanted.length} events of ${tenantId} at the receiver`, deadlineMs: deliveredDeadlineMs },
  );
  expectThat(chain.problems.length === 0, chain.problems.slice(0, 5).join('; '));
  expectThat(chain.range?.afterSeq === 0, `the chain begins after seq ${chain.range?.afterSeq}`);
  const received = new Set(chain.events.map(({ id }) => id));
  const missing = wanted.filter((id) => !received.has(id));
  expectThat(missing.length === 0, `${missing.length} events never came, such as ${missing[0]}`);
  const outOfOrder = firstReceiptOutOfOrder(receiver);
  expectThat(outOfOrder === undefined, `seq ${outOfOrder} came first after a later one`);
  const unsigned = receiver.requests.filter(({ signature }) => signature !== 'valid');
  expectThat(
    unsigned.length === 0,
    `${unsigned.length} requests have no valid signature, the first is ${unsigned[0]?.signature}`,
  );
  const failed = receiver.requests.length - receiver.accepted().length;
  return `${received.size} events to seq ${chain.range.toSeq} in ${receiver.accepted().length} batches, ${chain.skipped} seqs skipped and accounted for, ${failed} requests refused before; order, chain and signatures hold`;
}

function readReceived(receiver: Receiver): ReturnType<typeof checkBatchChain> {
  const bodies = receiver.accepted().map((request): unknown => JSON.parse(request.body.toString()));
  return checkBatchChain(bodies, { mayOverlap: true });
}

function firstReceiptOutOfOrder(receiver: Receiver): number | undefined {
  const seen = new Set<number>();
  let last = 0;
  for (const request of receiver.accepted()) {
    const body: { data: { events: { seq: number }[] } } = JSON.parse(request.body.toString());
    for (const { seq } of body.data.events) {
      if (seen.has(seq)) continue;
      if (seq < last) return seq;
      seen.add(seq);
      last = seq;
    }
  }
  return undefined;
}
