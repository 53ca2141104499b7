import type { IngestInput } from '../../services/ingestor/src/ingest-state.ts';
import type { KafkaRange } from '../../services/ingestor/src/position-policy.ts';
import type { Stray } from '../../services/ingestor/src/reroute-mapper.ts';
import type { Guard } from './model-clickhouse.ts';
import type { Call, CallEffect, ModelInstance, Work, World } from './model.ts';

export function createCall(world: World, instance: ModelInstance, effect: CallEffect): Call {
  const call: Call = {
    effect,
    instance,
    work: workOf(world, instance, effect),
    isSlow: isSlow(world, effect),
    isBegun: false,
    isServerDone: false,
    isClientGone: false,
    answer: undefined,
  };
  if (!instance.isLinked) {
    call.isServerDone = true;
    call.answer = failureOf(effect, 'unanswered');
    world.coverage.hit('unreachable', effect.kind);
  }
  return call;
}

function isSlow({ random, temper }: World, { kind }: CallEffect): boolean {
  return random.chance(kind === 'insertBlock' || kind === 'keepHeads' ? temper.insertSlowness : temper.slowness);
}

/** The server's next step. */
export function advance(world: World, call: Call): void {
  const progress = call.work.next();
  call.isBegun = true;
  call.isSlow = isSlow(world, call.effect);
  if (progress.done !== true) return;
  call.isServerDone = true;
  if (call.isClientGone) world.coverage.hit('late landing', call.effect.kind);
  else call.answer = progress.value;
}

/** What the client hears instead of an answer: that the server did not do it, or nothing. */
export type Failure = 'unavailable' | 'unanswered';

/** It ends at the server; what was not committed then is not. */
export function fail(call: Call, failure: Failure): void {
  call.work.return(failureOf(call.effect, failure));
  call.isServerDone = true;
  call.answer = failureOf(call.effect, failure);
}

export function failureOf(effect: CallEffect, failure: Failure): IngestInput {
  switch (effect.kind) {
    case 'insertBlock':
      return { kind: 'insertAnswered', run: effect.run, answer: { kind: failure } };
    case 'publishStrays':
      return { kind: 'straysPublished', run: effect.run, unpublished: effect.strays };
    case 'claim':
    case 'kill':
    case 'readPlaces':
    case 'readPast':
      return { kind: 'failed', run: effect.run };
    case 'keepHeads':
      return unheard;
  }
}

/** What nobody waits for. */
const unheard: IngestInput = { kind: 'stop' };

function workOf(world: World, instance: ModelInstance, effect: CallEffect): Work {
  switch (effect.kind) {
    case 'claim':
      return claim(world, instance, effect);
    case 'kill':
      return kill(world, effect);
    case 'readPlaces':
      return readPlaces(world, effect);
    case 'readPast':
      return readPast(world, effect);
    case 'publishStrays':
      return publish(world, effect.run, effect.strays);
    case 'insertBlock':
      return insert(world, effect);
    case 'keepHeads':
      return recordHeads(world, effect);
  }
}

/** One statement: it looks at the fence, reads what is stored, and commits what it read, unless it is killed before. */
function* recordHeads({ clickhouse, coverage, plant }: World, { owner, partitions }: Of<'keepHeads'>): Work {
  yield;
  const begun = clickhouse.beginInsert({ owner, partitions }, '', []);
  try {
    yield;
    if (plant.isHeadsFenced && (begun.isOver || !clickhouse.isGuarded(begun))) {
      coverage.hit('fenced', 'keepHeads');
      return unheard;
    }
    const heads = partitions.map((partition) => clickhouse.readHeads(partition));
    yield;
    const isOver = (): boolean => begun.isOver;
    if (plant.isHeadsFenced && isOver()) return unheard;
    heads.forEach((found, index) => clickhouse.recordHeads(partitions[index] ?? 0, found));
    return unheard;
  } finally {
    clickhouse.end(begun);
  }
}

type Of<K extends CallEffect['kind']> = Extract<CallEffect, { kind: K }>;

function* claim(world: World, instance: ModelInstance, { run, partitions }: Of<'claim'>): Work {
  const { clickhouse, plant } = world;
  world.owners += 1;
  const owner = plant.owner(`owner-${String(world.owners).padStart(4, '0')}`, instance.assignment?.id ?? '');
  yield;
  const epochs = clickhouse.readEpochs(partitions);
  yield;
  clickhouse.writeClaim(owner, epochs);
  yield;
  return { kind: 'claimed', run, owner, owned: clickhouse.ownedBy(owner, partitions) };
}

function* kill(world: World, { run, owner, partitions }: Of<'kill'>): Work {
  const { clickhouse, random, plant } = world;
  yield;
  if (!plant.isKilling) return { kind: 'cleared', run };
  const found = clickhouse.foreignInserts({ owner, partitions });
  if (found.length === 0) return { kind: 'cleared', run };
  yield;
  for (const running of found) {
    world.coverage.hit('killed', running.parts.length === 0 || running.token === '' ? 'keepHeads' : 'insertBlock');
    // It may commit, in part or as a whole, before it notices.
    while (running.isChecked && !running.isOver && random.chance(0.3)) {
      clickhouse.noteToken(running);
      if (!running.isOver) clickhouse.commitPart(running);
    }
    // It may not be killed in time.
    if (!running.isOver && world.isFaulty && random.chance(0.1)) return { kind: 'failed', run };
    running.isOver = true;
  }
  yield;
  return { kind: 'cleared', run };
}

function* readPlaces(world: World, { run, owner, partitions }: Of<'readPlaces'>): Work {
  const { clickhouse } = world;
  yield;
  const stored = partitions.map((partition) => clickhouse.readHeads(partition));
  yield;
  const places = partitions.map((partition, index) => ({
    partition,
    stored: stored[index] ?? { last: null, startOffset: 0, heads: new Map() },
    kafka: rangeOf(world, partition),
  }));
  yield;
  return { kind: 'placesRead', run, places, owned: clickhouse.ownedBy(owner, partitions) };
}

function rangeOf({ kafka, plant, coverage }: World, partition: number): KafkaRange {
  const noted = kafka.noted(partition);
  const range = {
    earliest: kafka.start(partition),
    next: kafka.end(partition),
    topicId: String(kafka.incarnation(partition)),
  };
  if (noted === undefined) return range;
  if (noted.from < range.earliest && range.earliest <= noted.to) coverage.hit('passed', 'and removed');
  return { ...range, passed: plant.noted(noted) };
}

function* readPast({ clickhouse }: World, { run, past }: Of<'readPast'>): Work {
  const { partition, last, expectStored } = past;
  yield;
  const window = clickhouse.readWindow(partition);
  const stored = expectStored ? clickhouse.readStored(partition, last.log, last.headOffset) : null;
  return { kind: 'pastRead', run, window, stored };
}

function* publish({ kafka, random, isFaulty, coverage }: World, run: number, strays: readonly Stray[]): Work {
  const unpublished: Stray[] = [];
  for (const stray of strays) {
    yield;
    const isAppended = !isFaulty || !random.chance(0.1);
    if (isAppended) kafka.publish(stray.tenantId, stray.record.value);
    if (!isAppended || (isFaulty && random.chance(0.1))) unpublished.push(stray);
  }
  if (unpublished.length > 0) coverage.hit('error', 'publishStrays');
  return { kind: 'straysPublished', run, unpublished };
}

function* insert(world: World, { run, owner, token, block }: Of<'insertBlock'>): Work {
  const { clickhouse, plant, coverage } = world;
  const rows = block.modelRows();
  const guard: Guard = { owner, partitions: [...block.ends.keys()] };
  if (guard.partitions.length > 1) coverage.hit('several partitions', 'insertBlock');
  yield;
  const begun = clickhouse.beginInsert(guard, plant.token(token, rows), rows);
  const answered = (kind: 'stored' | 'fenced' | 'unavailable'): IngestInput => ({
    kind: 'insertAnswered',
    run,
    answer: { kind },
  });
  try {
    yield;
    // Between two stages a kill may have ended it.
    const isOver = (): boolean => begun.isOver;
    if (isOver()) return answered('unavailable');
    if (!clickhouse.isGuarded(begun)) {
      coverage.hit('fenced', 'insertBlock');
      return answered('fenced');
    }
    if (clickhouse.isRefused(begun)) {
      coverage.hit('refused', 'insertBlock');
      if (rows.length === 1) coverage.hit('refused', 'a single row');
      return { kind: 'insertAnswered', run, answer: { kind: 'refused', message: 'Code 117' } };
    }
    begun.isChecked = true;
    yield;
    while (!isOver()) {
      clickhouse.noteToken(begun);
      yield;
      if (!isOver()) clickhouse.commitPart(begun);
      if (!isOver()) yield;
    }
    return answered(begun.parts.length > 0 ? 'unavailable' : 'stored');
  } finally {
    clickhouse.end(begun);
  }
}
