import { createRecordMac } from '@docket/event';
import { createIngestMachine } from '../../services/ingestor/src/ingest-machine.ts';
import type { IngestInput } from '../../services/ingestor/src/ingest-state.ts';
import { decodersOf, generation, partitions, windowRecords } from './events.ts';
import { createCall } from './model-calls.ts';
import { Violation } from './oracle.ts';
import type { SimPart } from './sim-part.ts';
import type { ModelInstance, World } from './model.ts';

const ageMsMax = 60;
const behindAgeMsMax = 120;
const fencedPauseMs = 60;
const inDoubtPauseMs = 20;
const lookAgainMs = 80;
const backOffMs = 10;

export function createInstance(world: World, name: number): ModelInstance {
  const { plant } = world;
  const mac = createRecordMac([]);
  const decoderOf = decodersOf(() => world.isLateSchemaKnown);
  const limits = {
    rowsMax: 1 + world.random.below(12),
    bytesMax: 900 + world.random.below(1_500),
    ageMsMax,
    behindAgeMsMax,
  };
  const machine = createIngestMachine<SimPart>({
    createIntake: (options) =>
      plant.intake(world.createIntake({ generation, partitions, decoderOf, mac, limits, windowRecords, ...options })),
    queueBytesMax: 2 * limits.bytesMax,
    fencedPauseMs,
    inDoubtPauseMs,
    lookAgainMs,
  });
  return {
    name,
    machine,
    state: machine.initial,
    isAlive: true,
    isFrozen: false,
    isDeaf: false,
    isLinked: true,
    effects: [],
    timers: [],
    mail: [],
    slices: [],
    assignment: undefined,
    positions: new Map(),
  };
}

/** Between two effects nothing is told: the real shell carries them out in one go. */
export function tell(world: World, instance: ModelInstance, input: IngestInput): void {
  try {
    const { state, effects } = instance.machine.step(instance.state, input, world.nowMs);
    instance.state = state;
    instance.effects = [...effects];
  } catch (error) {
    throw new Violation(`the machine asserts: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Carries out the next effect. */
export function runEffect(world: World, instance: ModelInstance): void {
  const effect = instance.effects.shift();
  if (effect === undefined) return;
  const { positions, timers } = instance;
  const { nowMs } = world;
  switch (effect.kind) {
    case 'claim':
    case 'kill':
    case 'readPlaces':
    case 'readPast':
    case 'publishStrays':
    case 'insertBlock':
      world.calls.push(createCall(world, instance, effect));
      return;
    case 'keepHeads':
      // Nobody waits for it; it goes on at the server when its owner is long gone.
      world.calls.push({ ...createCall(world, instance, effect), isClientGone: true });
      return;
    case 'lookAgainLater':
      // While a seed runs out nobody mends anything any more.
      if (world.isFaulty) timers.push({ atMs: nowMs + effect.inMs, input: { kind: 'lookAgain', run: effect.run } });
      return;
    case 'resumeAt':
      if (instance.assignment?.partitions.includes(effect.partition) === true) {
        const incarnation = world.kafka.incarnation(effect.partition);
        positions.set(effect.partition, { nextOffset: effect.offset, isOpen: true, incarnation });
      }
      return;
    case 'pause':
    case 'resume':
      for (const partition of effect.partitions) setOpen(instance, partition, effect.kind === 'resume');
      return;
    case 'stopPartition':
      setOpen(instance, effect.partition, false);
      return world.oracle.checkStopped(effect.partition, world.kafka.start(effect.partition), effect.detail);
    case 'backOff':
      timers.push({
        atMs: nowMs + backOffMs * 2 ** Math.min(effect.failures, 4),
        input: { kind: 'waited', run: effect.run },
      });
      return;
    case 'wait':
      timers.push({ atMs: nowMs + effect.ms, input: { kind: 'waited', run: effect.run } });
      return;
    case 'wake':
      timers.push({ atMs: nowMs + effect.inMs, input: { kind: 'due', run: effect.run } });
      return;
    case 'abandon':
      return abandon(world, instance);
    case 'notePassed':
      return world.kafka.note(effect.partition, effect.passed);
    case 'commit':
    case 'report':
      return;
    case 'exit':
      throw new Violation(`the machine gives up: ${effect.reason}`);
  }
}

function setOpen({ positions }: ModelInstance, partition: number, isOpen: boolean): void {
  const position = positions.get(partition);
  if (position !== undefined) position.isOpen = isOpen;
}

/** Requests under way go on at the server. */
function abandon(world: World, instance: ModelInstance): void {
  instance.timers = [];
  instance.slices = [];
  for (const call of world.calls) if (call.instance === instance) call.isClientGone = true;
}

/** kill -9. */
export function crash(world: World, instance: ModelInstance): void {
  abandon(world, instance);
  instance.isAlive = false;
}

export function readMail(world: World, instance: ModelInstance): void {
  const mail = instance.mail.shift();
  if (mail === undefined) return;
  instance.positions.clear();
  if (mail.kind === 'lost') {
    instance.assignment = undefined;
    tell(world, instance, mail);
  } else {
    instance.assignment = mail.assignment;
    tell(world, instance, mail);
  }
}

/** A partition that has something to fetch; any of them. */
export function fetchable({ kafka, random }: World, { positions }: ModelInstance): number | undefined {
  let found: number | undefined;
  let count = 0;
  for (const [partition, { nextOffset, isOpen, incarnation }] of positions) {
    if (!isOpen || incarnation !== kafka.incarnation(partition)) continue;
    if (nextOffset >= kafka.end(partition) && nextOffset >= kafka.start(partition)) continue;
    count += 1;
    if (count === 1 || random.below(count) === 0) found = partition;
  }
  return found;
}

/** One fetch of one partition, in one or two slices. */
export function fetch(world: World, instance: ModelInstance, partition: number): void {
  const { kafka, random } = world;
  const position = instance.positions.get(partition);
  if (position === undefined) return;
  const fetched = kafka.fetch(partition, position.nextOffset, 1 + random.below(5));
  const { run } = instance.state;
  if (fetched.kind === 'out_of_range') {
    position.isOpen = false;
    const detail = `Kafka goes on at ${fetched.foundOffset} instead of ${position.nextOffset}`;
    return tell(world, instance, { kind: 'positionJumped', run, partition, detail });
  }
  position.nextOffset = fetched.nextOffset;
  const { records } = fetched;
  const passed = { kind: 'passed' as const, run, partition, nextOffset: fetched.nextOffset };
  if (records.length === 0) return void instance.slices.push(passed);
  const cut = random.chance(0.3) ? random.below(records.length) : records.length;
  const push = (from: number, to: number): void => {
    const slice = records.slice(from, to);
    const behind = kafka.end(partition) - 1 - (slice.at(-1)?.offset ?? position.nextOffset);
    instance.slices.push({ kind: 'records', run, partition, records: slice, behind });
  };
  push(0, cut);
  if (cut < records.length) push(cut, records.length);
  instance.slices.push(passed);
}
