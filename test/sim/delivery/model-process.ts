import { mergedParked, parkedBytes, parkedKey, parseParked, parseParkedKey } from '@docket/directory';
import { createLogger } from '@docket/runtime';
import {
  cursorBytes,
  firstCursor,
  inGeneration,
  parseCursor,
} from '../../../services/delivery/src/cursors/cursor-mapper.ts';
import { initialState } from '../../../services/delivery/src/machine/delivery-state.ts';
import type { Effect, Input, ReadEffect, Wish } from '../../../services/delivery/src/machine/delivery-state.ts';
import { eventOfNotice } from '../../../services/delivery/src/notices/notice-event-mapper.ts';
import type { Notice } from '../../../services/delivery/src/notices/notice-mapper.ts';
import type { Batch } from '../../../services/delivery/src/batches/batch-mapper.ts';
import type { Sent } from '../../../services/delivery/src/receivers/send-batch.ts';
import { windowAnswer } from '../../../services/delivery/src/batches/window-mapper.ts';
import { createLogSource } from '../../../services/delivery/src/log/log-source.ts';
import type { SourceRead } from '../../../services/delivery/src/log/log-read-mapper.ts';
import { poolOf } from '../../../services/delivery/src/slots/pool-policy.ts';
import { isReplayed } from '../../../services/delivery/src/log/replay-bounds.ts';
import { encodingOf, verdictOf } from '../../../services/delivery/src/sinks/sink-rules.ts';
import { createSlots } from '../../../services/delivery/src/slots/slot-policy.ts';
import { createTailBuffer } from '../../../services/delivery/src/log/tail-buffer.ts';
import { tailStart } from '../../../services/delivery/src/log/tail-start-policy.ts';
import { Violation } from '../oracle.ts';
import { handle } from './model-receiver.ts';
import type { Body } from './model-receiver.ts';
import { storedLogOf } from './model-stored-log.ts';
import type { DeliveryWorld, ModelProcess, ModelRow } from './delivery-model.ts';
import type { TopicRecord } from './delivery-oracle.ts';
import { decoders, generation, mac, partitions } from './sample-logs.ts';

export const slotLimits = {
  perPool: { live: 2, catch_up: 1, unproven: 2, doubtful: 1, failing: 1, slow: 1 },
  perTenant: 1,
  perHost: 1,
  perTenantSlow: 1,
  perHostSlow: 1,
  /** In batches. */
  bytesMax: 5,
  // One of each pool.
  atOnceBytes: 1,
  slowAfterMs: 250,
  failuresPerSecond: 500,
} as const;
const proofIntervalMs = 20_000;
export const replayId = 'acme-replay';
/** It begins beyond what its log has. */
export const lateId = 'acme-late';
const logger = createLogger({ service: 'sim', level: 'silent' });
const never = new AbortController().signal;

export function createProcess(world: DeliveryWorld): ModelProcess {
  world.names += 1;
  const process: ModelProcess = {
    name: world.names,
    isAlive: true,
    isOwner: false,
    tail: undefined,
    source: undefined,
    slots: createSlots(slotLimits),
    rows: new Map(),
    effects: [],
    inbox: [],
    calls: [],
    isGrantDue: false,
    cursors: new Map(),
    parked: new Map(),
    readTo: 0,
    changed: new Set(),
    changedParked: new Set(),
  };
  readTopic(world, process);
  return process;
}

/** All that the topic holds: the cursors first, then the tail at the place from which they can go on, then the subscriptions. */
export function becomeOwner(world: DeliveryWorld, process: ModelProcess): void {
  readTopic(world, process);
  const { log, appended, stored, plant, subscriptions } = world;
  const end = (log[appended - 1]?.offset ?? -1) + 1;
  const storedThrough = world.isClickHouseDown ? undefined : (log[stored - 1]?.offset ?? -1);
  const cursors = subscriptions.map(
    ({ id, start_after_seq: after }) => process.cursors.get(id) ?? firstCursor(after, generation),
  );
  const fromOffset = tailStart({ earliest: 0, end, storedThrough }, cursors);
  const bytesMax = world.tailBytesMax;
  process.tail = plant.tail(createTailBuffer({ partition: 0, partitions, fromOffset, bytesMax }));
  process.source = createLogSource({
    encodingOf,
    stored: storedLogOf(world, process),
    decoders,
    mac,
    topology: { generation, partitions },
    logger,
    readEnds: async () => (world.isKafkaDown ? undefined : { asOfMs: world.nowMs, ends: new Map([[0, endOf(world)]]) }),
    rowsMax: 6,
  });
  process.isOwner = true;
  process.rows.clear();
  for (const subscription of subscriptions) {
    const { id, tenant_id: tenantId, start_after_seq: after } = subscription;
    const cursor = inGeneration(process.cursors.get(id) ?? firstCursor(after, generation), generation);
    const parked = [...(process.parked.get(id)?.values() ?? [])];
    world.oracle.begins(process.name, id, cursor);
    if (isReplayed(subscription, cursor.seq) && parked.length === 0) continue;
    process.tail.watch(tenantId);
    const state = initialState(cursor, wishOf(world, id), parked, generation);
    const row: ModelRow = { subscription, state, wakeAtMs: null, held: [] };
    process.rows.set(id, row);
    process.inbox.push({ row, input: { type: 'began' } });
  }
}

export function wishOf({ versions, resumes, subscriptions }: DeliveryWorld, id: string): Wish {
  const suspendAfterMs = 120_000;
  const noticeAfterMs = 2_000;
  const version = versions.get(id) ?? '';
  const mode = subscriptions.find((subscription) => subscription.id === id)?.mode;
  return {
    isPaused: false,
    version,
    lingerMs: 5,
    bytesMax: 100_000,
    windowMax: mode?.type === 'window' ? mode.batches : 1,
    proofIntervalMs: id === replayId ? 0 : proofIntervalMs,
    suspendAfterMs,
    noticeAfterMs,
    resume: resumes.get(id) ?? null,
  };
}

const endOf = ({ log, appended }: DeliveryWorld): number => (log[appended - 1]?.offset ?? -1) + 1;

export function dispatch(world: DeliveryWorld, process: ModelProcess, row: ModelRow, input: Input): void {
  // No log here has ever lost anything.
  if (input.type === 'read' && input.result.kind === 'renumbered')
    throw new Violation(`the log of ${row.subscription.id} is taken for another, at ${row.state.cursor.seq}`);
  const { state, effects } = world.plant.step(row.state, input, world.nowMs);
  row.state = state;
  if (row.subscription.updated_at !== state.version)
    row.subscription = { ...row.subscription, updated_at: state.version };
  process.effects = effects.map((effect) => ({ row, effect }));
}

/** Carries out the next effect. */
export function runEffect(world: DeliveryWorld, process: ModelProcess): void {
  const next = process.effects.shift();
  if (next === undefined) return;
  const { row, effect } = next;
  const { id, tenant_id: tenantId } = row.subscription;
  const isOver = !process.isOwner || process.rows.get(id) !== row;
  const release = (): void => {
    process.slots.release(id);
    process.isGrantDue = true;
  };
  switch (effect.type) {
    case 'ask':
      if (isOver || process.tail === undefined) return;
      process.slots.ask({
        id,
        tenantId,
        host: id,
        pool: world.plant.pool(poolOf(row.state, tenantId, process.tail)),
        costBytes: row.held[0]?.body.length ?? 0,
        bytesMax: row.state.window,
        leastBytes: 1,
      });
      process.isGrantDue = true;
      return;
    case 'cancel':
      return process.slots.cancel(id);
    case 'release':
      return release();
    case 'locate':
    case 'read':
    case 'read_parked':
      world.isAwaited = true;
      return isOver ? release() : read(process, row, effect);
    case 'send':
      return isOver ? release() : send(world, process, row);
    case 'wake':
      row.wakeAtMs = isOver ? null : effect.atMs;
      return;
    case 'keep_parked': {
      const list = process.parked.get(id) ?? new Map();
      process.parked.set(id, list.set(effect.parked.seq, mergedParked(list.get(effect.parked.seq), effect.parked)));
      process.changedParked.add(parkedKey(id, effect.parked.seq));
      return;
    }
    case 'forget_parked':
      process.parked.get(id)?.delete(effect.seq);
      process.changedParked.add(parkedKey(id, effect.seq));
      return;
    case 'tell':
      return tell(world, process, row, effect.notice);
    case 'save':
      process.cursors.set(id, world.plant.later(process.cursors.get(id), row.state.cursor));
      process.changed.add(id);
  }
}

function read(
  process: ModelProcess,
  row: ModelRow,
  effect: ReadEffect | Extract<Effect, { type: 'read_parked' | 'locate' }>,
): void {
  const { source, tail } = process;
  const { subscription, state } = row;
  if (source === undefined || tail === undefined) return;
  const heard = ({ result, batch, following = [] }: SourceRead): void => {
    row.held = batch === undefined ? [] : [batch, ...following.map((one) => one.batch)];
    process.inbox.push({ row, input: { type: 'read', result, jitter: 0.5 } });
  };
  if (effect.type === 'read_parked')
    return void source.readParked({ subscription, parked: effect.parked, signal: never }).then(heard);
  if (effect.type === 'locate')
    return void source.locate({ subscription, resume: effect.resume, signal: never }).then(heard);
  const { type: _read, without, ...wanted } = effect;
  const about = { subscription, tail, partition: 0, cursor: state.cursor, signal: never };
  void source.read({ ...about, ...wanted, without: new Set(without) }).then(heard);
}

function send(world: DeliveryWorld, process: ModelProcess, row: ModelRow): void {
  const { held } = row;
  if (held.length === 0) throw new Violation(`the batch of ${row.subscription.id} is not there`);
  process.slots.sent(row.subscription.id, world.nowMs, held.length);
  const answers = new Map<number, Sent>();
  held.forEach((batch, index) =>
    sendOne(world, process, { row, batch }, (sent) => {
      answers.set(index, sent);
      if (answers.size < held.length) return;
      const { acknowledged, sent: first } = windowAnswer(held.flatMap((_, place) => answers.get(place) ?? []));
      const isTaken = first.outcome.kind === 'delivered';
      if (!isTaken) process.slots.failed(row.subscription.id);
      if (held.length > 1)
        world.coverage.hit('window', isTaken ? 'taken' : acknowledged > 0 ? 'partly taken' : 'not taken');
      process.inbox.push({ row, input: { type: 'answered', ...first, acknowledged, jitter: 0.5 } });
    }),
  );
}

function sendOne(
  { oracle, receivers, random, coverage }: DeliveryWorld,
  process: ModelProcess,
  { row, batch }: { readonly row: ModelRow; readonly batch: Batch },
  heard: (sent: Sent) => void,
): void {
  const { id } = row.subscription;
  const receiver = receivers.get(id);
  if (receiver === undefined) throw new Violation(`${id} has no receiver`);
  const body = JSON.parse(batch.body.toString()) as Body;
  const purpose = body.data.replay ?? 'stream';
  const edition = `${row.state.cursor.reset} ${row.subscription.updated_at}`;
  let handled: ReturnType<typeof handle> | undefined;
  const told = (answer: Parameters<typeof verdictOf>[1]): void => {
    const { error, ...outcome } = verdictOf('webhook', answer, batch.eventCount);
    oracle.answered(process.name, id, body, outcome);
    const retryAfterMs = answer.kind === 'answered' ? answer.retryAfterMs : null;
    heard({ outcome, status: 0, error, excerpt: '', retryAfterMs });
  };
  process.calls.push({
    kind: 'send',
    isDone: false,
    act: () => {
      coverage.hit(receiver.behaviour, purpose);
      handled = handle(receiver, { body, bytes: batch.body.length }, random);
      oracle.named(batch.webhookId, purpose === 'parked' ? row.subscription.updated_at : edition);
      oracle.arrived(id, body, handled.isTaken);
    },
    answer: () => told(handled?.answer ?? { kind: 'failed', error: 'timeout' }),
    fail: () => told({ kind: 'failed', error: random.pick(['timeout', 'connection', 'dns'] as const) ?? 'dns' }),
  });
}

/** Until Kafka has it: it is tried again as long as the process lives. */
function tell(world: DeliveryWorld, process: ModelProcess, row: ModelRow, notice: Notice): void {
  const event = JSON.stringify(eventOfNotice(row.subscription, notice));
  process.calls.push({
    kind: 'tell',
    isDone: false,
    act: () => world.oracle.told(row.subscription.id, notice, event),
    answer: () => void process.inbox.push({ row, input: { type: 'told', notice } }),
    fail: () => tell(world, process, row, notice),
  });
}

/** Writes what has changed, one write at a time: what was parked first, then the cursors that have passed it. */
export function checkpoint(world: DeliveryWorld, process: ModelProcess): void {
  const parkedKeys = [...process.changedParked];
  const ids = [...process.changed];
  process.changedParked.clear();
  process.changed.clear();
  const listed = parkedKeys.map((key): TopicRecord => {
    const name = parseParkedKey(key);
    const parked = process.parked.get(name?.subscriptionId ?? '')?.get(name?.seq ?? 0);
    return { key, value: parked === undefined ? null : parkedBytes(parked), writer: process.name };
  });
  const cursors = ids.flatMap((id): TopicRecord[] => {
    const cursor = process.cursors.get(id);
    return cursor === undefined ? [] : [{ key: id, value: cursorBytes(cursor), writer: process.name }];
  });
  const again = (records: readonly TopicRecord[]): void => {
    for (const { key } of records)
      (parseParkedKey(key) === undefined ? process.changed : process.changedParked).add(key);
  };
  const write = (records: readonly TopicRecord[], then: () => void, failed: () => void): void => {
    if (records.length === 0) return then();
    process.calls.push({
      kind: 'write',
      isDone: false,
      act: () => {
        for (const record of records) {
          world.topic.push(record);
          world.oracle.written(record);
        }
      },
      answer: then,
      fail: failed,
    });
  };
  const [first, second] = world.plant.isParkedFirst ? [listed, cursors] : [cursors, listed];
  const kept = (records: readonly TopicRecord[]): void => {
    for (const { key, value } of records) {
      const row = process.rows.get(key);
      const { untold = [] } = (value === null ? undefined : parseCursor(value)) ?? {};
      if (row !== undefined && untold.length > 0) process.inbox.push({ row, input: { type: 'kept', untold } });
    }
  };
  const then = (): void =>
    write(
      second,
      () => kept(cursors),
      () => again(second),
    );
  write(first, then, () => again([...first, ...second]));
}

/** Reads the topic on to its end. What comes back of its own is older than what is known. */
export function readTopic(world: DeliveryWorld, process: ModelProcess): void {
  for (; process.readTo < world.topic.length; process.readTo += 1) {
    const record = world.topic[process.readTo];
    if (record !== undefined) readRecord(world, process, record);
  }
}

function readRecord(world: DeliveryWorld, process: ModelProcess, { key, value, writer }: TopicRecord): void {
  if (writer === process.name) return;
  const name = parseParkedKey(key);
  if (name === undefined) {
    const cursor = value === null ? undefined : parseCursor(value);
    if (cursor !== undefined) process.cursors.set(key, world.plant.later(process.cursors.get(key), cursor));
    return;
  }
  const list = process.parked.get(name.subscriptionId) ?? new Map();
  process.parked.set(name.subscriptionId, list);
  const parked = value === null ? undefined : parseParked(value);
  if (parked === undefined) return void list.delete(name.seq);
  const merged = mergedParked(list.get(name.seq), parked);
  list.set(name.seq, merged);
  const row = process.rows.get(name.subscriptionId);
  if (row !== undefined && process.isOwner) process.inbox.push({ row, input: { type: 'parked', parked: merged } });
}
