import { isAskedFor, parkedBytes, parkedKey } from '@docket/directory';
import type { Subscription } from '@docket/directory';
import type { DeliveryState } from '../../../services/delivery/src/machine/delivery-state.ts';
import type { Coverage } from '../coverage.ts';
import { Violation } from '../oracle.ts';
import { createRandom } from '../random.ts';
import type { Random } from '../random.ts';
import { askForParked, change, choicesOf } from './delivery-choices.ts';
import type { DeliveryWorld } from './delivery-model.ts';
import { createDeliveryOracle } from './delivery-oracle.ts';
import type { DeliveryPlant } from './delivery-plants.ts';
import { becomeOwner, createProcess, lateId, replayId } from './model-process.ts';
import type { ModelReceiver } from './model-receiver.ts';
import { sampleLogs, tenants } from './sample-logs.ts';
import type { LogPlace } from './sample-logs.ts';

export interface DeliverySimulationOptions {
  readonly seed: number;
  readonly steps: number;
  readonly plant: DeliveryPlant;
  readonly coverage: Coverage;
  /** Gets a line for everything that happens. */
  readonly trace?: (line: string) => void;
}

/** Without faults everything comes to rest long before. */
const stepsToEndMax = 20_000;

/**
 * One seed: a world, and a number of steps with faults, after each of which I6 and I7 must hold. In every eighth seed as many steps without faults
 * follow as it takes until everything is delivered: first with receivers that still refuse some events, which are parked, then all of these are asked
 * for from receivers that take them. Throws a Violation that names seed and step.
 */
export async function simulateDelivery(options: DeliverySimulationOptions): Promise<void> {
  const { seed, steps, trace } = options;
  const world = createWorld(options);
  let step = 0;
  const go = async (): Promise<boolean> => {
    world.nowMs += world.random.below(12);
    const choices = choicesOf(world);
    let dice = world.random.next() * choices.reduce((sum, { weight }) => sum + weight, 0);
    const choice = choices.find(({ weight }) => (dice -= weight) < 0) ?? choices.at(-1);
    if (choice === undefined) return false;
    trace?.(`${world.nowMs} ms: ${choice.name}`);
    choice.act();
    if (world.isAwaited) await settled(world);
    return true;
  };
  const runOut = async (): Promise<void> => {
    const lastStep = step + stepsToEndMax;
    for (; !isAtRest(world); step += 1) {
      if (step > lastStep) throw new Violation('it does not come to rest');
      await go();
      // An answer from before may suspend it late.
      for (const { rows, isOwner } of world.processes)
        for (const [id, { state }] of isOwner ? rows : []) if (state.phase.name === 'suspended') change(world, id);
    }
  };
  try {
    for (; step < steps; step += 1) await go();
    if (seed % 8 !== 0) return;
    calmDown(world);
    await runOut();
    for (const [id, receiver] of world.receivers) {
      receiver.poison.clear();
      askForParked(world, id);
      change(world, id);
    }
    await runOut();
    for (const { rows, isOwner } of world.processes)
      for (const [id, { state }] of isOwner ? rows : [])
        if (state.cursor.untold.length > 0) throw new Violation(`${id} keeps untold what it could tell`);
    world.oracle.checkDone(world.appended);
  } catch (error) {
    if (error instanceof Violation) error.message = `seed ${seed}, step ${step}: ${error.message}`;
    throw error;
  }
}

/** More than any chain of promises in a read. */
const turnsMax = 60;

/** What a read or an answer set going has run to where it waits again. */
async function settled(world: DeliveryWorld): Promise<void> {
  world.isAwaited = false;
  for (let turn = 0; turn < turnsMax; turn += 1) await Promise.resolve();
}

function createWorld({ seed, plant, coverage }: DeliverySimulationOptions): DeliveryWorld {
  const random = createRandom(seed);
  const log = sampleLogs[seed % sampleLogs.length] ?? [];
  const appended = random.below(8);
  const some = [replayId, lateId].filter(() => random.chance(0.5));
  const ids = ['acme-all', 'acme-roles', 'globex-all', ...some];
  const subscriptions = ids.map((id) => ({
    ...subscriptionOf(id, random.pick([1, 1, 1, 3, 8, 20]) ?? 8),
    ...(random.chance(0.7) ? { mode: { type: 'window', batches: 3 } as const } : {}),
    ...(id === replayId ? rangeOf(random, log.slice(0, appended)) : {}),
    ...(id === lateId ? { start_after_seq: headOf(log.slice(0, appended)) + random.below(12) } : {}),
  }));
  const receivers = new Map<string, ModelReceiver>();
  for (const { id } of subscriptions) {
    const poison = new Set<number>();
    const share = random.pick([0, 0.1, 0.3]) ?? 0;
    for (let seq = 1; seq <= log.length; seq += 1) if (random.chance(share)) poison.add(seq);
    const behaviour = random.chance(0.6) ? 'ok' : random.chance(0.65) ? 'refuse' : 'flip';
    receivers.set(id, { behaviour, poison, bytesMax: 900 + random.below(2_000), flips: 0 });
  }
  const world: DeliveryWorld = {
    random,
    coverage,
    oracle: createDeliveryOracle(
      log,
      subscriptions,
      ({ id }) =>
        (meaning) =>
          !id.endsWith('roles') || meaning === 'role',
    ),
    plant,
    log,
    subscriptions,
    receivers,
    topic: [],
    processes: [],
    appended,
    stored: 0,
    cut: 0,
    versions: new Map(subscriptions.map(({ id }) => [id, 'v1'])),
    resumes: new Map(),
    isKafkaDown: false,
    isClickHouseDown: false,
    nowMs: 1_000_000,
    names: 0,
    orphans: [],
    tailBytesMax: random.pick([1_500, 4_000, 1_000_000]) ?? 4_000,
    isFaulty: true,
    isAwaited: false,
  };
  world.stored = random.below(world.appended + 1);
  if (random.chance(0.8)) parkSome(world);
  world.processes.push(createProcess(world), createProcess(world));
  const [first] = world.processes;
  if (first !== undefined) becomeOwner(world, first);
  return world;
}

/** As an owner leaves them who ends before its cursor is kept; somebody asks for them already. */
function parkSome({ subscriptions, random, log, stored, topic, oracle }: DeliveryWorld): void {
  const subscription = random.pick(subscriptions);
  if (subscription === undefined) return;
  for (const { seq, tenantId, meaning } of log.slice(0, stored)) {
    if (tenantId !== subscription.tenant_id || meaning === 'unreadable' || random.chance(0.3)) continue;
    const parked = { seq, error: 'status_400', answerExcerpt: '', parkedAtMs: 0, asks: 1, refused: 0 };
    const record = { key: parkedKey(subscription.id, seq), value: parkedBytes(parked), writer: 0 };
    topic.push(record);
    oracle.written(record);
  }
}

const headOf = (log: readonly LogPlace[]): number => log.filter(({ tenantId }) => tenantId === tenants[0]).length;

/** Some of what comes early; it begins with what is there. */
function rangeOf(random: Random, log: readonly LogPlace[]): Pick<Subscription, 'start_after_seq' | 'replay'> {
  const after = random.below(headOf(log) + 1);
  return { start_after_seq: after, replay: { of: 'acme-all', to_seq: after + 1 + random.below(6) } };
}

function subscriptionOf(id: string, maxEvents: number): Subscription {
  const time = '2026-01-01T00:00:00.000Z';
  return {
    version: 1,
    kind: 'subscription',
    id,
    tenant_id: id.startsWith('acme') ? tenants[0] : tenants[1],
    name: id,
    sink: { type: 'webhook', url: 'https://siem.example', secrets: [{ sealed: '', created_at: time }] },
    ...(id.endsWith('roles') ? { filter: 'action:role.*' } : {}),
    batch: { max_events: maxEvents, max_bytes: 100_000, max_wait_ms: 5 },
    state: 'active',
    start_after_seq: 0,
    created_at: time,
    updated_at: time,
  };
}

/** No faults from now on: everything is up, one owner, and what was suspended goes on. */
function calmDown(world: DeliveryWorld): void {
  world.isFaulty = false;
  world.isClickHouseDown = false;
  world.isKafkaDown = false;
  world.processes.forEach((process, index) => {
    if (!process.isAlive) world.processes[index] = createProcess(world);
  });
  world.processes.forEach((process, index) => {
    if (index > 0) process.isOwner = false;
  });
  const [first] = world.processes;
  if (first !== undefined && !first.isOwner) becomeOwner(world, first);
  for (const [id, receiver] of world.receivers) {
    receiver.behaviour = 'ok';
    change(world, id);
  }
}

/** Nothing is left but timers of what is idle, or waits for an event behind those that are refused, or for a seq that its log does not reach. */
function isAtRest(world: DeliveryWorld): boolean {
  if (world.orphans.length > 0 || world.stored < world.appended) return false;
  const end = (world.log[world.appended - 1]?.offset ?? -1) + 1;
  return world.processes.every((process) => {
    const { effects, inbox, calls, changed, changedParked, readTo, isGrantDue, isOwner, tail, rows } = process;
    const isIdle = effects.length + inbox.length + calls.length + changed.size + changedParked.size === 0;
    if (!isIdle || isGrantDue || readTo < world.topic.length) return false;
    if (!isOwner) return true;
    const isCaughtUp = (tail?.endOffset() ?? 0) >= end;
    const head = headOf(world.log.slice(0, world.appended));
    const isUnreached = (id: string, { phase, cursor, parked }: DeliveryState): boolean =>
      id === lateId && phase.name === 'resting' && cursor.seq >= head && !parked.some(isAskedFor);
    return isCaughtUp && [...rows].every(([id, { state }]) => isResting(state) || isUnreached(id, state));
  });
}

function isResting({ phase, parked }: DeliveryState): boolean {
  if (phase.name === 'idle') return !parked.some(isAskedFor);
  return phase.name === 'resting' && phase.forNeighbour;
}
