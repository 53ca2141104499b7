import {
  createWorld,
  eventually,
  exchangeRaw,
  hostileRequests,
  startService,
  type HostileRequest,
} from '@docket/testkit';
import { setTimeout as pause } from 'node:timers/promises';
import { expectThat, type FaultCase, type FaultContext } from '../fault-case.ts';
import { peakRssMiBOf, startGatewayLoad, timesOf, type GatewayLoad, type LoadAnswer } from '../gateway-load.ts';
import { makeKey } from '../make-key.ts';

const rssMiBMax = 300;
const rounds = 3;
const roundMs = 12_000;
/** Below this a timer's and the scheduler's grain says more than the gateway. */
const floorMs = 10;

/** A good client sends at a steady rate, in turn alone and beside somebody who goes through the table of hostile requests without a pause. */
export const gatewayHostile: FaultCase = {
  name: 'gateway-hostile',
  promise:
    'I7: while hostile requests come without a pause, a good client’s p99 stays within twice of what it is alone, and memory flat',
  async run(context) {
    const world = await createWorld();
    const writerKey = () => makeKey(world, { scopes: ['events:write'], tenants: '*' });
    const [good, bad] = [await writerKey(), await writerKey()];
    const gateway = await startService('gateway', world.env);
    // Made before anything is measured: a bomb of 1 GiB is among them.
    const requests = hostileRequests({ authorization: `Bearer ${bad}`, tenantId: 'acme' }).filter(
      ({ request }) => request.drip === undefined && request.isSilent !== true,
    );
    const load = startGatewayLoad({
      url: gateway.url,
      keys: [good],
      connections: 8,
      eventsPerRequest: 10,
      pauseMs: 20,
    });
    try {
      await eventually(() => load.answers.some(({ status }) => status === 202), { what: 'a first 202' });
      const { calm, attacked, hostile } = await inTurn(context, load, gateway.url, requests);
      await load.stop();
      const rssMiB = peakRssMiBOf(gateway.pid);
      const [alone, beside] = [timesOf(calm), timesOf(attacked)];
      const refused = [...calm, ...attacked].filter(({ status }) => status !== 202).length;
      const ratio = beside.p99 / Math.max(alone.p99, floorMs);
      const figures = `${calm.length + attacked.length} good requests, ${refused} refused; p50/p99 alone ${alone.p50.toFixed(1)}/${alone.p99.toFixed(1)} ms, beside ${hostile} hostile requests ${beside.p50.toFixed(1)}/${beside.p99.toFixed(1)} ms (${ratio.toFixed(2)}×); RSS peak ${rssMiB} MiB`;
      context.say(figures);
      context.row({ fault: 'hostile requests', target: 'gateway', times: hostile, figures });
      expectThat(refused === 0, `${refused} good requests were refused`);
      expectThat(ratio <= 2, `a good client’s p99 is ${ratio.toFixed(2)} times what it is alone`);
      expectThat(rssMiB <= rssMiBMax, `RSS reached ${rssMiB} MiB`);
    } finally {
      await load.stop();
      await gateway.stop();
      await world.close();
    }
  },
};

async function inTurn({ say }: FaultContext, load: GatewayLoad, url: string, requests: readonly HostileRequest[]) {
  // Compiled before it is measured.
  await pause(roundMs / 2);
  const calm: LoadAnswer[] = [];
  const attacked: LoadAnswer[] = [];
  let hostile = 0;
  for (let round = 1; round <= rounds; round += 1) {
    calm.push(...(await answersOf(load, () => pause(roundMs))));
    attacked.push(
      ...(await answersOf(load, async () => {
        hostile += await attack(url, requests, performance.now() + roundMs);
      })),
    );
    say(`round ${round}: ${hostile} hostile requests so far`);
  }
  return { calm, attacked, hostile };
}

async function answersOf(load: GatewayLoad, meanwhile: () => Promise<unknown>): Promise<LoadAnswer[]> {
  const fromMs = performance.now();
  await meanwhile();
  const untilMs = performance.now();
  return load.answers.filter(({ atMs }) => atMs >= fromMs && atMs < untilMs);
}

/** Goes through the hostile requests that are answered at once, one after another, again and again. Gives how many were sent. */
async function attack(url: string, requests: readonly HostileRequest[], untilMs: number): Promise<number> {
  let sent = 0;
  while (performance.now() < untilMs) {
    const one = requests[sent % requests.length];
    if (one === undefined) break;
    await exchangeRaw(url, one.request, { answers: one.answers ?? 1, untilClosed: false, deadlineMs: 30_000 });
    sent += 1;
  }
  return sent;
}
