import { foreignKeys, ordinary, partitions, type Meaning } from './events.ts';
import { fail, failureOf } from './model-calls.ts';
import { crash } from './model-instance.ts';
import type { Call, ModelInstance, World } from './model.ts';

/** Notes which step of an instance a fault met: the effect that comes next, and the requests that are under way. */
function hit({ coverage, calls }: World, fault: string, instance: ModelInstance): void {
  const [next] = instance.effects;
  if (next !== undefined) coverage.hit(`${fault} before`, next.kind);
  for (const call of calls)
    if (call.instance === instance && !call.isClientGone) coverage.hit(`${fault} during`, call.effect.kind);
}

export function crashInstance(world: World, instance: ModelInstance): void {
  hit(world, 'crash', instance);
  crash(world, instance);
}

export function freeze(world: World, instance: ModelInstance): void {
  hit(world, 'freeze', instance);
  instance.isFrozen = true;
}

export function hitByLoss(world: World, instance: ModelInstance): void {
  hit(world, 'loss', instance);
}

/** The connection is gone: what was sent goes on, no answer comes. */
export function unlink(world: World, instance: ModelInstance): void {
  instance.isLinked = false;
  const waiting = world.calls.filter((call) => call.instance === instance && !call.isClientGone);
  for (const call of waiting) giveUp(world, call);
}

/** The client waits no longer; what it asked for may still be done. */
export function giveUp(world: World, call: Call): void {
  if (call.isServerDone) world.coverage.hit('lost answer', call.effect.kind);
  call.isClientGone = true;
  // What the client believes comes to it like an answer.
  world.calls.push({ ...call, isServerDone: true, isClientGone: false, answer: failureOf(call.effect, 'unanswered') });
}

/** The server says that it did not do it; it may be wrong. */
export function failCall(world: World, call: Call): void {
  world.coverage.hit(call.isServerDone ? 'error after success' : 'error', call.effect.kind);
  fail(call, 'unavailable');
}

export function restartClickHouse(world: World): void {
  for (const call of world.calls) {
    if (call.isServerDone || call.effect.kind === 'publishStrays') continue;
    world.coverage.hit('restart', call.effect.kind);
    if (call.isBegun || world.random.chance(0.5)) fail(call, 'unanswered');
  }
}

/** Usually of what is stored, seldom of more; where offsets without data were noted, often just these. */
export function retain({ kafka, oracle, random, coverage }: World): void {
  const partition = random.below(partitions);
  const position = oracle.position(partition);
  const noted = kafka.noted(partition);
  const isNoted = noted?.from === position && random.chance(0.6);
  const isTooMuch = isNoted || random.chance(0.1);
  const inNoted = isNoted ? noted.from + 1 + random.below(noted.to - noted.from) : 0;
  const offset = isNoted ? inNoted : isTooMuch ? position + 1 + random.below(4) : random.below(position + 1);
  // A topic made anew whose records below our position are gone again cannot be told from the old one.
  if (offset <= kafka.start(partition) || offset > kafka.end(partition) || kafka.incarnation(partition) > 0) return;
  coverage.hit('retention', isTooMuch ? 'beyond the position' : 'below the position');
  kafka.removeBelow(partition, offset);
}

/** An operator takes a partition, removes its newest rows and leaves the rest to the ingestor. */
export function cutRows(world: World, operator: string): void {
  const { kafka, clickhouse, oracle, random, coverage } = world;
  const found = explained(world);
  const isExplained = found !== undefined && random.chance(0.3);
  const partition = isExplained ? found : random.below(partitions);
  const position = oracle.position(partition);
  // Rows that Kafka has no more are lost for good, and nothing that was noted earlier may hide it.
  const lowest = isExplained ? 0 : kafka.start(partition);
  const from = Math.max(lowest, position - 1 - random.below(6));
  if (from >= position || kafka.incarnation(partition) > 0) return;
  coverage.hit('operator', 'rows removed');
  clickhouse.writeClaim(operator, clickhouse.readEpochs([partition]));
  for (const insert of clickhouse.foreignInserts({ owner: operator, partitions: [partition] })) clickhouse.end(insert);
  clickhouse.removeFrom(partition, from);
  oracle.cut(partition, from);
}

/** A partition of which Kafka has removed what is stored, and offsets behind it that were noted to hold no data. */
export function explained({ kafka, oracle }: World): number | undefined {
  for (let partition = 0; partition < partitions; partition += 1) {
    const noted = kafka.noted(partition);
    const start = kafka.start(partition);
    if (noted?.from === oracle.position(partition) && noted.from < start && start <= noted.to) return partition;
  }
  return undefined;
}

export function recreate({ kafka, oracle, random, coverage }: World): void {
  const partition = random.below(partitions);
  if (oracle.position(partition) === 0 || kafka.incarnation(partition) > 0) return;
  coverage.hit('operator', 'topic recreated');
  const meanings: [Buffer | null, Meaning][] = [];
  for (let n = random.below(12); n > 0; n -= 1) {
    const meaning = ordinary[0]?.[n]?.[0];
    if (meaning !== undefined) meanings.push([foreignKeys[0] ?? null, meaning]);
  }
  kafka.recreate(partition, meanings);
}
