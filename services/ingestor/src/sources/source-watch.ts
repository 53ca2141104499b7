import {
  readCounted,
  readHighestBefore,
  readMissingEvents,
  readReceivedMs,
  readSeenSources,
  readUntoldSources,
  writeCounted,
  writeSources,
  type ClickHouse,
  type OffsetSpan,
  type SeenSource,
  type SourceRow,
} from '@docket/clickhouse';
import type { EventInput } from '@docket/event';
import type { Logger } from '@docket/runtime';
import type { IngestorMetrics } from '../metrics.ts';
import { gapClosedEventOf, gapEventOf } from './source-gap-mapper.ts';
import { afterTelling, dueGaps, foldSeen, noSource, type SourceState } from './source-machine.ts';

/** Between two looks at most. A look costs some milliseconds, and nobody waits for one. */
const betweenMsMax = 10_000;
/** … and so many while a hole is open that is not told yet. */
const looksPerGap = 6;
/** I8: so many records are counted at once; one names one source at most. */
const spanRecords = 100_000;

export interface SourceWatch {
  /** Counts what the partitions hold until the signal ends it. Nobody waits for it, and a failure only delays it. */
  watch(partitions: readonly number[], signal: AbortSignal): void;
}

export interface WatchPorts {
  readonly clickhouse: ClickHouse;
  readonly generation: number;
  /** So long may a hole be open before it is told: producers that send again may be late without anything being lost. */
  readonly openForMs: number;
  /** Where partitions end in Kafka, and up to where they are stored or hold no data, as of a time (ms since the epoch). */
  readonly kafkaEnds: () => Promise<{
    readonly atMs: number;
    readonly ends: ReadonlyMap<number, number>;
    readonly committed: ReadonlyMap<number, number>;
  }>;
  /** Publishes events of our own. Rejects unless Kafka has acknowledged them all. */
  readonly tell: (events: readonly EventInput[]) => Promise<void>;
  readonly logger: Logger;
  readonly metrics: Pick<IngestorMetrics, 'sourceGaps' | 'sourceMissing' | 'sourceLooks'>;
}

/**
 * Counts the running numbers of every source (docs/source-gaps.md). What it knows is in ClickHouse, of which it counts the stored prefix (I4): a new
 * owner goes on where the last one was. In each step the events are published before the state says so, and both before the position: a crash between
 * them publishes the same event again, which becomes a duplicate, or counts the same records again, which changes nothing.
 */
export function createSourceWatch(ports: WatchPorts): SourceWatch {
  const { clickhouse, generation, openForMs, logger, metrics } = ports;
  const betweenMs = Math.min(betweenMsMax, openForMs / looksPerGap);

  async function look(partitions: readonly number[], signal: AbortSignal): Promise<void> {
    await countAndTell(partitions, signal);
    const missing = await readMissingEvents(clickhouse, { generation, partitions });
    if (!signal.aborted) metrics.sourceMissing.set(missing);
  }

  async function countAndTell(partitions: readonly number[], signal: AbortSignal): Promise<void> {
    const { atMs: nowMs } = await countStored(partitions, signal);
    const open: number[] = [];
    for (const partition of partitions) {
      if (signal.aborted) return;
      const untold = await readUntoldSources(clickhouse, { generation, partition, beforeMs: nowMs - openForMs });
      if (untold.length > 0) open.push(partition);
    }
    if (open.length === 0) return;
    // Old by the clock, but what is late may lie in Kafka still: only what was appended before a time, and is counted, decides.
    const { atMs, ends, committed } = await ports.kafkaEnds();
    const { places } = await countStored(open, signal);
    for (const { partition, stored } of places) {
      if (signal.aborted) return;
      const isWhole = Math.max(stored + 1, committed.get(partition) ?? 0) >= (ends.get(partition) ?? Infinity);
      const untilMs = isWhole ? atMs : await readReceivedMs(clickhouse, { generation, partition, offset: stored });
      await tellDue(partition, stored, (untilMs ?? 0) - openForMs);
    }
  }

  async function countStored(partitions: readonly number[], signal: AbortSignal) {
    const atMs = Date.now();
    const places = await readCounted(clickhouse, { generation, partitions });
    for (const { partition, counted, stored } of places) {
      // Of a long history that nobody has counted it cannot be said when something was lost.
      const isHistory = counted === undefined && stored >= spanRecords;
      if (isHistory) await writeCounted(clickhouse, { generation, partition, through: stored });
      let after = counted ?? (isHistory ? stored : -1);
      while (after < stored && !signal.aborted) after = await count(partition, after, stored);
    }
    return { atMs, places };
  }

  /** Counts a span, and gives its end. */
  async function count(partition: number, after: number, last: number): Promise<number> {
    const through = Math.min(last, after + spanRecords);
    const span = { generation, partition, after, through };
    const sources = await readSeenSources(clickhouse, span);
    const before = await statesBefore(sources, span);
    const rows: SourceRow[] = [];
    const events: EventInput[] = [];
    for (const source of sources) {
      const { state, closed } = foldSeen(source.known ?? before.get(nameOf(source)) ?? noSource, source.seen);
      rows.push({ ...source, ...state });
      for (const told of closed) events.push(gapClosedEventOf(source, told));
    }
    await tell('closed', events);
    await writeSources(clickhouse, { generation, partition, through }, rows, { isTold: false });
    await writeCounted(clickhouse, { generation, partition, through });
    return through;
  }

  /** Of sources that are not known, by name: they begin at 1, unless they are older than what is kept of them. */
  async function statesBefore(
    sources: readonly SeenSource[],
    span: OffsetSpan,
  ): Promise<ReadonlyMap<string, SourceState>> {
    const isAsked = sources.some(
      ({ known, seen: [first] }) => known === undefined && first !== undefined && first.from > 1,
    );
    const found = isAsked ? await readHighestBefore(clickhouse, span) : [];
    return new Map(found.map((source) => [nameOf(source), { high: source.high, gaps: [] }]));
  }

  async function tellDue(partition: number, through: number, beforeMs: number): Promise<void> {
    const sources = await readUntoldSources(clickhouse, { generation, partition, beforeMs });
    if (sources.length === 0) return;
    const due = sources.map((source) => ({ source, gaps: dueGaps(source, beforeMs) }));
    await tell(
      'gap',
      due.flatMap(({ source, gaps }) => gaps.map((gap) => gapEventOf(source, gap))),
    );
    const rows = due.map(({ source, gaps }) => ({ ...source, ...afterTelling(source, gaps) }));
    await writeSources(clickhouse, { generation, partition, through }, rows, { isTold: true });
    for (const { source, gaps } of due) {
      const { tenantId: log, service, instance } = source;
      for (const { from, to } of gaps) logger.error({ log, service, instance, from, to }, 'source.gap');
    }
  }

  async function tell(kind: 'gap' | 'closed', events: readonly EventInput[]): Promise<void> {
    if (events.length === 0) return;
    await ports.tell(events);
    metrics.sourceGaps.inc({ kind }, events.length);
  }

  return {
    watch(partitions, signal) {
      async function run(): Promise<void> {
        try {
          await look(partitions, signal);
          metrics.sourceLooks.inc({ outcome: 'done' });
        } catch (error) {
          if (signal.aborted) return;
          metrics.sourceLooks.inc({ outcome: 'failed' });
          logger.warn({ err: error, partitions }, 'sources.not_counted');
        }
        if (signal.aborted) return;
        const timer = setTimeout(() => void run(), betweenMs);
        signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
      }
      // The next owner tells what is missing there.
      signal.addEventListener('abort', () => metrics.sourceMissing.set(0), { once: true });
      void run();
    },
  };
}

function nameOf({ tenantId, service, instance }: Pick<SeenSource, 'tenantId' | 'service' | 'instance'>): string {
  return JSON.stringify([tenantId, service, instance]);
}
