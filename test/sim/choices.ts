import {
  crashInstance,
  cutRows,
  explained,
  failCall,
  freeze,
  giveUp,
  hitByLoss,
  recreate,
  restartClickHouse,
  retain,
  unlink,
} from './faults.ts';
import { partitions } from './events.ts';
import { advance, createCall } from './model-calls.ts';
import type { Call, CallEffect, ModelInstance, SimEffect, Timer, World } from './model.ts';
import type { ModelGroup } from './model-group.ts';
import { createInstance, fetch, fetchable, readMail, runEffect, tell } from './model-instance.ts';
import type { Producers } from './producers.ts';

/** One thing that may happen next. */
export interface Choice {
  /** Against those of the others. */
  readonly weight: number;
  readonly name: string;
  readonly act: () => void;
}

/** Everything that may happen next. */
export function choicesOf(world: World, group: ModelGroup, producers: Producers): Choice[] {
  const choices: Choice[] = [];
  const add: Add = (weight, name, act) => void choices.push({ weight, name, act });
  for (const instance of world.instances) offerInstance(world, instance, add);
  for (const call of world.calls) offerCall(world, call, add);
  if (world.isFaulty) offerFaults(world, group, producers, add);
  return choices;
}

type Add = (weight: number, name: string, act: () => void) => void;

function offerInstance(world: World, instance: ModelInstance, add: Add): void {
  const { name, isAlive, isFrozen, effects, mail, slices, timers } = instance;
  if (!isAlive || isFrozen) return;
  const [effect] = effects;
  if (effect !== undefined) return add(40, `instance ${name}: ${effect.kind}`, () => runEffect(world, instance));
  if (mail.length > 0) {
    const hears = (): void => {
      hitByLoss(world, instance);
      readMail(world, instance);
    };
    add(instance.isDeaf && world.isFaulty ? 0.4 : 5, `instance ${name}: is ${mail[0]?.kind}`, hears);
  }
  const [slice] = slices;
  if (slice !== undefined) {
    const hand = (): void => {
      slices.shift();
      tell(world, instance, slice);
      // What a fetch ends with is told in one go with its last records, unless these give something to do.
      const [next] = slices;
      if (next?.kind !== 'passed' || instance.effects.length > 0) return;
      slices.shift();
      tell(world, instance, next);
    };
    add(20, `instance ${name}: records of partition ${slice.partition}`, hand);
  } else {
    const partition = fetchable(world, instance);
    if (partition !== undefined)
      add(20, `instance ${name}: fetches partition ${partition}`, () => fetch(world, instance, partition));
  }
  const timer = firstOf(timers);
  if (timer === undefined) return;
  // Time may pass faster than everything else, but seldom does.
  add(timer.atMs <= world.nowMs ? 14 : 0.8, `instance ${name}: ${timer.input.kind}`, () =>
    fire(world, instance, timer),
  );
}

function firstOf(timers: readonly Timer[]): Timer | undefined {
  let first = timers[0];
  for (const timer of timers) if (first === undefined || timer.atMs < first.atMs) first = timer;
  return first;
}

function fire(world: World, instance: ModelInstance, timer: Timer): void {
  const { timers } = instance;
  timers.splice(timers.indexOf(timer), 1);
  world.nowMs = Math.max(world.nowMs, timer.atMs);
  tell(world, instance, timer.input);
}

/** One stage; while a seed runs out, all of them. */
function goOn(world: World, call: Call): void {
  do advance(world, call);
  while (!world.isFaulty && !call.isServerDone);
}

/** Faults look for what is short or seldom: before an effect is carried out … */
const attractionBefore: Readonly<Record<SimEffect['kind'], number>> = {
  claim: 6,
  kill: 6,
  readPlaces: 6,
  readPast: 110,
  publishStrays: 26,
  insertBlock: 10,
  resumeAt: 6,
  commit: 26,
  notePassed: 130,
  pause: 35,
  resume: 300,
  stopPartition: 260,
  wait: 45,
  wake: 16,
  keepHeads: 12,
  lookAgainLater: 1_000,
  backOff: 6,
  abandon: 3,
  report: 5,
  exit: 0,
};
/** … and while its answer is awaited. */
const attraction: Readonly<Record<CallEffect['kind'], number>> = {
  claim: 0.7,
  kill: 1.5,
  readPlaces: 1.5,
  readPast: 60,
  publishStrays: 4,
  insertBlock: 1.4,
  keepHeads: 2,
};

/** How much an instance attracts them now. */
function attractionOf({ calls }: World, instance: ModelInstance): number {
  const [next] = instance.effects;
  if (next !== undefined) return attractionBefore[next.kind];
  let strongest = 1;
  for (const { instance: of, effect, isClientGone } of calls)
    if (of === instance && !isClientGone) strongest = Math.max(strongest, attraction[effect.kind]);
  return strongest;
}

function offerCall(world: World, call: Call, add: Add): void {
  const { instance, effect, answer, isServerDone, isClientGone } = call;
  const name = `${effect.kind} of instance ${instance.name}`;
  if (!isServerDone) add(call.isSlow && world.isFaulty ? 1.2 : 20, `${name} goes on`, () => goOn(world, call));
  const isHeard = instance.isAlive && !instance.isFrozen && instance.effects.length === 0;
  if (answer !== undefined && !isClientGone && isHeard) {
    const told = (): void => {
      call.isClientGone = true;
      if (world.plant.isTokenBelieved && answer.kind === 'insertAnswered' && answer.answer.kind === 'unanswered')
        world.calls.push(createCall(world, instance, effect));
      else tell(world, instance, answer);
    };
    add(20, `${name} is answered: ${answer.kind}`, told);
  }
  if (!world.isFaulty || isClientGone) return;
  const faultiness = world.temper.faultiness * attraction[effect.kind];
  add(0.5 * faultiness, `${name} is waited for in vain`, () => giveUp(world, call));
  add((isServerDone ? 0.5 : 0.3) * faultiness, `${name} fails`, () => failCall(world, call));
}

function offerFaults(world: World, group: ModelGroup, producers: Producers, add: Add): void {
  const { instances, kafka, random, temper } = world;
  const { faultiness } = temper;
  add(1.5 * temper.writing, 'producers', () => {
    for (let n = random.below(5); n > 0; n -= 1) producers.produce();
  });
  add(group.isDue() ? 0.5 : 0.15 * temper.unrest, 'the group rebalances', () => group.rebalance());
  let strongest = 0;
  instances.forEach((instance, index) => {
    const { name, isAlive, isFrozen, isLinked } = instance;
    if (!isAlive)
      return add(1.5, `instance ${name} starts`, () => void (instances[index] = createInstance(world, name)));
    const pull = faultiness * attractionOf(world, instance);
    strongest = Math.max(strongest, pull);
    add(0.15 * pull, `instance ${name} crashes`, () => crashInstance(world, instance));
    if (isFrozen) add(0.4, `instance ${name} thaws`, () => void (instance.isFrozen = false));
    else add(0.2 * pull, `instance ${name} freezes`, () => freeze(world, instance));
    if (isLinked) add(0.2 * faultiness, `instance ${name} is cut off`, () => unlink(world, instance));
    else add(0.5, `instance ${name} is linked`, () => void (instance.isLinked = true));
  });
  add(0.14 * strongest, 'ClickHouse restarts', () => restartClickHouse(world));
  add(0.6 * faultiness, 'retention', () => retain(world));
  const isRecording = world.calls.some(({ effect, isServerDone }) => effect.kind === 'keepHeads' && !isServerDone);
  const isTelling = isRecording || explained(world) !== undefined;
  add((isTelling ? 1 : 0.2) * faultiness, 'an operator removes rows', () => cutRows(world, `operator-${world.nowMs}`));
  add(0.06 * faultiness, 'an operator recreates the topic', () => recreate(world));
  add(0.6, 'the month changes', () => kafka.changeMonth(random.below(partitions)));
  if (!world.isLateSchemaKnown) add(0.2, 'a schema becomes known', () => void (world.isLateSchemaKnown = true));
}
