import { createTopicView } from '@docket/kafka';
import type { KafkaClient } from '@docket/kafka';
import type { HealthCheck, Registry } from '@docket/runtime';
import { Gauge } from 'prom-client';

import { changeOfRecord } from './directory-record-mapper.ts';
import { createDirectoryState } from './directory-state.ts';
import type { EntityName } from './directory-record-mapper.ts';
import type { DirectoryReader } from './directory-state.ts';

export interface DirectoryView extends DirectoryReader {
  /** Returns at once; reads in the background. */
  start(): void;
  stop(): Promise<void>;
  /** True once all that the directory held at the start has been read; readers MUST NOT rely on the view before. */
  isCaughtUp(): boolean;
  waitUntilCaughtUp(deadlineMs: number): Promise<void>;
  /** Resolves when all that the directory holds now has been applied. Rejects with `kafka_unavailable` or `not_caught_up`. */
  refresh(deadlineMs: number): Promise<void>;
  /** Resolves when everything below `endOffset` has been applied: a writer reads its own write. Rejects with `not_caught_up`. */
  waitUntilReached(endOffset: number, deadlineMs: number): Promise<void>;
  /** Calls back after each change to an entity, in the order of the log; gives what ends it. The callback MUST NOT throw. */
  onChange(listener: (change: EntityName) => void): () => void;
  /** Calls back when a writer announces itself. */
  onWriter(listener: (writerId: string) => void): () => void;
  /** For a service's health: ready means caught up. */
  check(): HealthCheck;
}

/** Its only one. */
const directoryPartition = 0;

/**
 * The directory as a live view in memory: tenants, keys, subscriptions. Each process has its own and answers from it, so a lookup never waits and the
 * loss of Kafka takes no lookup away; a change shows within the time that Kafka takes to hand it on.
 */
export function createDirectoryView(
  kafka: KafkaClient,
  options: {
    /** The view has ended for good: end the process. */
    onCrash(error: Error): void;
    readonly metrics?: Registry;
  },
): DirectoryView {
  const state = createDirectoryState();
  const changeListeners = new Set<(change: EntityName) => void>();
  const writerListeners = new Set<(writerId: string) => void>();
  const { name } = kafka.topics.directory;

  const view = createTopicView(kafka, {
    topic: name,
    onCrash: (error) => options.onCrash(error),
    onRecord: ({ key, value, offset }) => {
      const change = changeOfRecord(key, value);
      if (change.type === 'unreadable') kafka.logger.error({ offset, detail: change.detail }, 'directory.unreadable');
      if (change.type === 'writer') for (const listener of writerListeners) listener(change.writerId);
      const applied = state.apply(change);
      if (applied !== undefined) for (const listener of changeListeners) listener(applied);
    },
  });

  if (options.metrics !== undefined) measureAge(options.metrics, () => view.ageMs());

  const listen = <Listener>(listeners: Set<Listener>, listener: Listener): (() => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };

  return {
    ...state,
    start: () => view.start(),
    stop: () => view.stop(),
    isCaughtUp: () => view.isCaughtUp(),
    waitUntilCaughtUp: (deadlineMs) => view.waitUntilCaughtUp(deadlineMs),
    refresh: (deadlineMs) => view.refresh(deadlineMs),
    waitUntilReached: (endOffset, deadlineMs) => view.waitUntilReached(directoryPartition, endOffset, deadlineMs),
    onChange: (listener) => listen(changeListeners, listener),
    onWriter: (listener) => listen(writerListeners, listener),
    check: () => (view.isCaughtUp() ? { ok: true } : { ok: false, detail: `${name} has not been read to its end` }),
  };
}

/** Several in a process that is all services. */
const agesOf = new WeakMap<Registry, (() => number)[]>();

function measureAge(registry: Registry, ageMs: () => number): void {
  const known = agesOf.get(registry);
  if (known !== undefined) return void known.push(ageMs);
  const ages = [ageMs];
  agesOf.set(registry, ages);
  const oldest: Gauge = new Gauge({
    name: 'docket_directory_view_age_seconds',
    help: 'How old what the process knows of tenants, keys and subscriptions may be, in seconds: since the last moment of which it is known to hold all; looked after every 15 s',
    registers: [registry],
    collect: () => oldest.set(Math.max(...ages.map((age) => age())) / 1_000),
  });
}
