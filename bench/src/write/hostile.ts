import { startStack } from '@docket/local-stack';
import { createKeyring, createWorld, startService } from '@docket/testkit';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startMeter } from '../process-meter.ts';
import { countRecords, partitions, seconds, stackDir, tenants, untilAccepted } from './gateway.ts';
import { sendLoad, type Loaded } from './load.ts';
import { requestsOf } from './requests.ts';

const rounds = 5;
/** Of a client that leaves the gateway most of its time. */
const good = { events: 10, connections: 8, requestsPerSecond: 200 };
const attackerFile = fileURLToPath(new URL('hostile-attacker.js', import.meta.url));

type Figures = Readonly<Record<string, number>>;
type Say = (line: string) => void;

/**
 * What hostile requests cost others (I7): a good client sends at a steady rate, in turn alone and beside somebody who goes through the table of hostile
 * requests without a pause. What is refused there, and what of it is published, is for the tests.
 */
export async function benchHostile(say: Say): Promise<Figures> {
  const stack = await startStack({ dir: stackDir, fresh: true, quickStart: false, report: say });
  try {
    Object.assign(process.env, stack.env);
    const world = await createWorld({ partitions });
    const keyring = createKeyring(world);
    const newKey = () => keyring.make({ scopes: ['events:write'], tenants: '*' });
    const [writer, hostile] = [await newKey(), await newKey()];
    await keyring.close();
    const gateway = await startService('gateway', world.env);
    const attacker = await startAttacker(gateway.url, hostile.authorization);
    const meter = startMeter(new Map([['gateway', gateway.pid]]));
    const first = await untilAccepted(gateway.url, writer.authorization);
    const requests = requestsOf(good.events, tenants, writer.authorization);
    const measured = await inTurn(() => sendLoad({ ...good, url: gateway.url, requests, seconds }), attacker, say);
    const rssMiB = Math.round((meter.stop().get('gateway')?.rssBytesPeak ?? 0) / 1024 / 1024);
    say(`gateway: RSS at most ${rssMiB} MiB`);
    await attacker.stop();
    await gateway.stop();
    const [accepted, stored] = [first + measured.accepted * good.events, await countRecords(world)];
    if (stored !== accepted) throw new Error(`${accepted} events were accepted, ${stored} are in Kafka`);
    await world.close();
    return { ...measured.figures, hostile_rss_mib_peak: rssMiB };
  } finally {
    await stack.stop();
  }
}

async function inTurn(send: () => Promise<Loaded>, attacker: Attacker, say: Say) {
  // Compiled before it is measured.
  const loads = [await send()];
  const [alone, beside]: [number[], number[]] = [[], []];
  let hostile = 0;
  for (let round = 1; round <= rounds; round += 1) {
    const calm = await send();
    await attacker.tell('attack');
    const attacked = await send();
    hostile = await attacker.tell('rest');
    loads.push(calm, attacked);
    alone.push(calm.p99Ms);
    beside.push(attacked.p99Ms);
    say(
      `round ${round}: p99 ${calm.p99Ms.toFixed(1)} ms alone, ${attacked.p99Ms.toFixed(1)} ms beside; ${hostile} hostile requests so far`,
    );
  }
  const refused = loads.reduce((sum, load) => sum + load.refused, 0);
  if (refused > 0) throw new Error(`${refused} good requests were refused`);
  const figures = {
    hostile_requests: hostile,
    hostile_p99_alone_ms: median(alone),
    hostile_p99_beside_ms: median(beside),
    hostile_p99_ratio: Math.round((median(beside) / median(alone)) * 100) / 100,
  };
  return { accepted: loads.reduce((sum, load) => sum + load.accepted, 0), figures };
}

function median(values: readonly number[]): number {
  const middle = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  return Math.round(middle * 10) / 10;
}

interface Attacker {
  /** Gives how many requests it has sent in all. */
  tell(order: 'attack' | 'rest'): Promise<number>;
  stop(): Promise<unknown>;
}

async function startAttacker(url: string, authorization: string): Promise<Attacker> {
  const child = fork(attackerFile, [url, authorization]);
  const exited = once(child, 'exit');
  const told = async (): Promise<number> => {
    const [sent]: unknown[] = await Promise.race([
      once(child, 'message'),
      exited.then(() => Promise.reject(new Error('the attacker has ended'))),
    ]);
    return Number(sent);
  };
  await told();
  return {
    tell: (order) => {
      const answer = told();
      child.send(order);
      return answer;
    },
    stop: () => {
      child.disconnect();
      return exited;
    },
  };
}
