import type { Effect } from '../../../services/delivery/src/machine/delivery-state.ts';
import { pools } from '../../../services/delivery/src/slots/slot-policy.ts';
import { parkedBytes, parseParked, parseParkedKey } from '@docket/directory';
import type { ParkedEvent } from '@docket/directory';
import { Violation } from '../oracle.ts';
import type { Call, DeliveryWorld, ModelProcess, ModelRow } from './delivery-model.ts';
import {
  becomeOwner,
  checkpoint,
  createProcess,
  dispatch,
  readTopic,
  replayId,
  runEffect,
  slotLimits,
  wishOf,
} from './model-process.ts';
import { behaviours } from './model-receiver.ts';
import { generation } from './sample-logs.ts';

/** One thing that may happen next. */
export interface Choice {
  readonly weight: number;
  readonly name: string;
  readonly act: () => void;
}

/** Faults look for what is short or seldom: before an effect is carried out … */
const attractionBefore: Readonly<Record<Effect['type'], number>> = {
  ask: 1,
  cancel: 1,
  release: 1,
  read: 1,
  read_parked: 400,
  locate: 15,
  send: 4,
  wake: 2,
  keep_parked: 2_600,
  forget_parked: 20_000,
  tell: 150,
  save: 5,
};
/** … and while its answer is awaited. */
const attraction: Readonly<Record<Call['kind'], number>> = {
  rows: 1.5,
  bounds: 300,
  place: 6,
  position: 60,
  send: 1,
  write: 2,
  tell: 60,
};

/** How much a process attracts them now. */
function attractionOf({ effects, calls }: ModelProcess): number {
  const [next] = effects;
  if (next !== undefined) return attractionBefore[next.effect.type];
  return Math.max(1, ...calls.map(({ kind }) => attraction[kind]));
}

type Add = (weight: number, name: string, act: () => void) => void;

/** Everything that may happen next. */
export function choicesOf(world: DeliveryWorld): Choice[] {
  const choices: Choice[] = [];
  const add: Add = (weight, name, act) => void choices.push({ weight, name, act });
  for (const process of world.processes) if (process.isAlive) offerProcess(world, process, add);
  const orphan = world.orphans[0];
  if (orphan !== undefined)
    add(2, `an orphaned ${orphan.kind} lands`, () => {
      world.orphans.shift();
      world.coverage.hit('late landing', orphan.kind);
      orphan.act();
    });
  if (world.appended < world.log.length && world.isFaulty)
    add(
      0.6,
      'producers',
      () => void (world.appended = Math.min(world.log.length, world.appended + 1 + world.random.below(4))),
    );
  if (world.stored < world.appended)
    add(
      2,
      'the ingestor',
      () => void (world.stored = Math.min(world.appended, world.stored + 1 + world.random.below(6))),
    );
  if (world.isFaulty) offerFaults(world, add);
  return choices;
}

function offerProcess(world: DeliveryWorld, process: ModelProcess, add: Add): void {
  const { name, effects, inbox, calls, rows } = process;
  const [next] = effects;
  if (next !== undefined)
    return add(40, `process ${name}: ${next.effect.type} of ${next.row.subscription.id}`, () =>
      runEffect(world, process),
    );
  const [heard] = inbox;
  if (heard !== undefined)
    add(30, `process ${name}: ${heard.row.subscription.id} hears ${heard.input.type}`, () => {
      inbox.shift();
      dispatch(world, process, heard.row, heard.input);
    });
  if (process.isGrantDue) add(30, `process ${name}: slots`, () => grant(world, process));
  else if (pools.some((pool) => process.slots.stats()[pool].waiting > 0))
    add(3, `process ${name}: time may have made room`, () => void (process.isGrantDue = true));
  for (const call of calls) offerCall(world, process, call, add);
  if (!calls.some(({ kind }) => kind === 'write') && process.changed.size + process.changedParked.size > 0)
    add(3, `process ${name}: checkpoint`, () => checkpoint(world, process));
  if (process.readTo < world.topic.length && !world.isKafkaDown)
    add(3, `process ${name}: reads the cursors`, () => readTopic(world, process));
  if (!process.isOwner) return;
  const { tail } = process;
  const following = world.log.slice(0, world.appended).filter(({ offset }) => offset >= (tail?.endOffset() ?? 0));
  if (tail !== undefined && following.length > 0 && !world.isKafkaDown)
    add(6, `process ${name}: fetches`, () => {
      const some = following.slice(0, 1 + world.random.below(5));
      const grown = tail.append(
        some.map(({ record }) => record),
        (some.at(-1)?.offset ?? -1) + 1,
      );
      for (const row of rows.values())
        if (grown.has(row.subscription.tenant_id)) inbox.push({ row, input: { type: 'grew' } });
    });
  const timer = firstTimer(rows);
  if (timer === undefined) return;
  const { row, atMs } = timer;
  add(atMs <= world.nowMs ? 10 : 1.5, `process ${name}: ${row.subscription.id} is due`, () => {
    world.nowMs = Math.max(world.nowMs, atMs);
    row.wakeAtMs = null;
    dispatch(world, process, row, { type: 'due' });
  });
}

interface Timer {
  readonly row: ModelRow;
  readonly atMs: number;
}

function firstTimer(rows: ReadonlyMap<string, ModelRow>): Timer | undefined {
  let first: Timer | undefined;
  for (const row of rows.values()) {
    const { wakeAtMs: atMs } = row;
    if (atMs !== null && (first === undefined || atMs < first.atMs)) first = { row, atMs };
  }
  return first;
}

/** I7: the pools keep to their sizes, nobody who may be bad takes what is for the healthy, and nothing that is free is withheld from them. */
function grant({ coverage, nowMs }: DeliveryWorld, process: ModelProcess): void {
  const { slots, rows, inbox } = process;
  const before = slots.stats().slow.held;
  const granted = slots.grant(nowMs);
  for (const { id, pool, isNarrow } of granted) {
    const row = rows.get(id);
    if (row === undefined) throw new Violation(`a slot for ${id}, which is not there`);
    const { state, toldAtMs } = row.state.cursor;
    if ((pool === 'live' || pool === 'catch_up') && (state === 'failing' || toldAtMs === null))
      throw new Violation(`I7: ${id} is not known to be healthy and has a slot for the healthy`);
    coverage.hit('slot', pool);
    if (isNarrow) coverage.hit('slot', 'narrow');
    inbox.unshift({ row, input: { type: 'slot', isNarrow } });
  }
  process.isGrantDue = granted.length > 0;
  const stats = slots.stats();
  if (stats.slow.held > before) coverage.hit('slot', 'slow');
  for (const pool of [...pools, 'slow'] as const)
    if (stats[pool].held > slotLimits.perPool[pool])
      throw new Violation(`I7: the pool ${pool} has ${stats[pool].held} slots`);
  // Whoever still holds the slot of a send before, in whatever pool, waits for its end.
  if ([...pools, 'slow' as const].some((pool) => stats[pool].held > 0)) return;
  for (const pool of ['live', 'catch_up'] as const)
    if (stats[pool].waiting > 0) throw new Violation(`I7: slots of ${pool} are free and withheld`);
}

function offerCall(world: DeliveryWorld, process: ModelProcess, call: Call, add: Add): void {
  const { kind, isDone } = call;
  const { coverage } = world;
  const name = `process ${process.name}: ${kind}`;
  const end = (): void => void (process.calls = process.calls.filter((other) => other !== call));
  if (!isDone) {
    if ((kind !== 'write' && kind !== 'tell') || !world.isKafkaDown)
      add(14, `${name} is done`, () => {
        call.isDone = true;
        call.act();
      });
    else if (world.isFaulty)
      add(4, `${name} fails`, () => {
        coverage.hit('Kafka down', kind);
        end();
        call.fail();
      });
  } else
    add(14, `${name} is answered`, () => {
      end();
      call.answer();
    });
  if (!world.isFaulty) return;
  add(0.4 * attraction[kind], `${name} is waited for in vain`, () => {
    coverage.hit(isDone ? 'lost answer' : 'error', kind);
    end();
    if (!isDone && world.random.chance(0.5)) world.orphans.push(call);
    call.fail();
  });
}

function offerFaults(world: DeliveryWorld, add: Add): void {
  const { processes, random, coverage } = world;
  processes.forEach((process, index) => {
    if (!process.isAlive)
      return add(3, `process ${process.name} starts again`, () => {
        const started = createProcess(world);
        processes[index] = started;
        if (!processes.some(({ isOwner }) => isOwner)) becomeOwner(world, started);
      });
    add(0.25 * attractionOf(process), `process ${process.name} crashes`, () => crash(world, process));
    if (process.isOwner) return;
    add(0.25, `process ${process.name} takes the partition`, () => {
      for (const other of processes)
        for (const { state } of other.isOwner ? other.rows.values() : []) coverage.hit('rebalance', state.phase.name);
      becomeOwner(world, process);
    });
  });
  const owners = processes.filter(({ isAlive, isOwner }) => isAlive && isOwner);
  // One that has lost the partition hears of it, sooner or later; two owners do no harm.
  const [stale] = owners;
  if (owners.length > 1 && stale !== undefined)
    add(1, `process ${stale.name} hears that it lost the partition`, () => {
      stale.isOwner = false;
      for (const id of stale.rows.keys()) stale.slots.cancel(id);
    });
  if (world.cut < world.stored) add(0.04, 'retention', () => cutSome(world));
  const isAsked = processes.some(({ calls }) => calls.some(({ kind, isDone }) => !isDone && attraction[kind] > 5));
  add(
    world.isClickHouseDown ? 1 : isAsked ? 8 : 0.2,
    'ClickHouse',
    () => void (world.isClickHouseDown = !world.isClickHouseDown),
  );
  add(world.isKafkaDown ? 1 : 0.2, 'Kafka', () => void (world.isKafkaDown = !world.isKafkaDown));
  for (const [id, receiver] of world.receivers) {
    const isReplaying = processes.some(({ rows }) => isSendingParked(rows.get(id)));
    add(receiver.behaviour === 'ok' ? (isReplaying ? 400 : 0.25) : 0.7, `the receiver of ${id}`, () => {
      const other = random.chance(0.15) ? 'gone' : random.pick(isReplaying ? refusing : behaviours);
      receiver.behaviour =
        receiver.behaviour !== 'ok' && random.chance(isReplaying ? 0.3 : 0.6) ? 'ok' : (other ?? 'ok');
    });
    add(0.1, `the owner of ${id} changes it`, () => change(world, id));
    if (id !== replayId) add(0.02, `the owner of ${id} lets it go on elsewhere`, () => resume(world, id));
    add(world.oracle.isParked(id) ? 30 : 0, `an operator asks for what ${id} has parked`, () =>
      askForParked(world, id),
    );
    // Nobody hears of it but who takes the partition next.
    const isAlone = !processes.some(({ isOwner }) => isOwner);
    add(world.oracle.isListed(id) ? (isAlone ? 10 : 0.2) : 0, `the owner of ${id} does without what is parked`, () =>
      dismissParked(world, id),
    );
  }
}

/** With what was received from some time on, or from where the log ended: the last record that was appended stands for the one that tells of the order. */
function resume(world: DeliveryWorld, id: string): void {
  const { random, coverage, resumes, log, appended, subscriptions } = world;
  const tenantId = subscriptions.find((subscription) => subscription.id === id)?.tenant_id;
  const last = log.slice(0, appended).findLast((place) => place.tenantId === tenantId);
  const place = last === undefined || random.chance(0.5) ? null : { generation, offset: last.offset };
  coverage.hit('operator', place === null ? 'resumes' : 'resumes from now');
  const from = random.pick(log)?.record.timestampMs ?? 0;
  resumes.set(id, {
    id: `res_${resumes.size} ${world.nowMs}`,
    receivedFromMs: random.chance(0.2) ? world.nowMs : from,
    place,
  });
  change(world, id);
}

/** The oldest of what is stored goes. */
function cutSome(world: DeliveryWorld): void {
  const { random, coverage, stored, subscriptions, oracle, log } = world;
  coverage.hit('retention', 'cuts');
  world.cut = Math.min(stored, world.cut + 1 + random.below(4));
  for (const tenantId of new Set(subscriptions.map((subscription) => subscription.tenant_id)))
    oracle.expired(tenantId, log.slice(0, world.cut).findLast((place) => place.tenantId === tenantId)?.seq ?? 0);
}

const isSendingParked = (row: ModelRow | undefined): boolean =>
  row?.state.phase.name === 'sending' && row.state.phase.aside?.kind === 'parked';

const refusing = ['refuse', 'flip'] as const;

export function change(world: DeliveryWorld, id: string): void {
  world.versions.set(id, `v${world.topic.length}.${world.nowMs}`);
  for (const { rows, inbox } of world.processes) {
    const row = rows.get(id);
    if (row !== undefined) inbox.push({ row, input: { type: 'changed', ...wishOf(world, id) } });
  }
}

export function askForParked(world: DeliveryWorld, id: string): void {
  order(world, id, (parked) => {
    world.coverage.hit('operator', 'asks for a parked event');
    return { ...parked, asks: Math.max(parked.asks, parked.refused) + 1 };
  });
}

function dismissParked(world: DeliveryWorld, id: string): void {
  order(world, id, (parked) => {
    world.coverage.hit('operator', 'dismisses a parked event');
    return { ...parked, isDismissed: true };
  });
}

/** As admin does it: from what it has read of the topic. */
function order(world: DeliveryWorld, id: string, ordered: (parked: ParkedEvent) => ParkedEvent): void {
  const listed = new Map<number, ParkedEvent>();
  for (const { key, value } of world.topic) {
    const name = parseParkedKey(key);
    if (name?.subscriptionId !== id) continue;
    const parked = value === null ? undefined : parseParked(value);
    if (parked === undefined || parked.isDismissed === true) listed.delete(name.seq);
    else listed.set(name.seq, parked);
  }
  for (const [seq, parked] of listed) {
    const record = { key: `${id}/parked/${seq}`, value: parkedBytes(ordered(parked)), writer: 0 };
    world.topic.push(record);
    world.oracle.written(record);
  }
}

/** What a server may still do when its client is gone. */
const lateKinds: ReadonlySet<Call['kind']> = new Set(['send', 'write', 'tell']);

/** kill -9. What it sent may land all the same. */
export function crash(world: DeliveryWorld, process: ModelProcess): void {
  const { coverage, random, oracle } = world;
  const [next] = process.effects;
  if (next !== undefined) coverage.hit('crash before', next.effect.type);
  for (const call of process.calls) {
    coverage.hit('crash during', call.kind);
    if (!call.isDone && lateKinds.has(call.kind) && random.chance(0.5)) world.orphans.push(call);
  }
  oracle.forgotten(process.name);
  process.isAlive = false;
  process.isOwner = false;
  process.effects = [];
  process.inbox = [];
  process.calls = [];
  process.rows.clear();
}
