import { newEventId, type RecordMac, type RequestOrigin } from '@docket/event';
import type { Publisher } from '@docket/kafka';
import { DocketError, type HealthCheck, type Logger } from '@docket/runtime';
import type { TrailMetrics } from './trail-metrics.ts';
import { entryOfReading, fingerprintOfReading } from './trail-entry-mapper.ts';
import { recordOfTelling, type ToldRecord } from './trail-record-mapper.ts';
import type { Reading, ReadingKind } from './reading.ts';
import { openTrailSpool, SpoolShareError, type SpoolSettings, type TrailSpool } from './trail-spool.ts';
import { closeWindows, duePart, type TrailLine, type TrailTelling } from './trail-windows.ts';

/** Events of one call to the publisher: far below its queue, and few enough that one round is short. */
const tellingsMax = 500;
/** Between two looks for what is due when nothing new comes, and between two tries while Kafka is away. */
const roundMs = 1_000;
/** Part of the ten seconds that a process has to end. */
const finishMs = 4_000;

/**
 * Tells every reading of a log in that log, by events `docket.log.*` through the normal pipeline. A reading is on disk before
 * its answer is given; with Kafka away it waits there, and with no room left nothing is read.
 */
export interface AccessTrail {
  /** Rejects when the spool cannot be opened. */
  start(): Promise<void>;
  /** Tells what it can within some seconds; the rest stays in the spool for the next process. */
  stop(): Promise<void>;
  /** Resolves when the reading is kept. Throws trail_unavailable, and rate_limited when its tenant or key has its share of the spool. */
  keep(kind: ReadingKind, reading: Reading, origin: RequestOrigin): Promise<void>;
  check(): HealthCheck;
}

export interface AccessTrailPorts {
  readonly spool: SpoolSettings;
  readonly windowMs: number;
  readonly publisher: Publisher;
  readonly eventsTopic: string;
  /** Of the events' schema; undefined until it has been found. */
  readonly schemaId: () => number | undefined;
  readonly mac: RecordMac;
  readonly metrics: TrailMetrics;
  readonly logger: Logger;
}

export function createAccessTrail(ports: AccessTrailPorts): AccessTrail {
  const { windowMs, publisher, eventsTopic, schemaId, mac, metrics, logger } = ports;
  let spool: TrailSpool | undefined;
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<boolean> | undefined;
  let isStopping = false;
  let isFailing = false;

  /** One round of telling: true when all went well, and there may be more to tell at once. */
  async function tell(open: TrailSpool): Promise<boolean> {
    closeWindows(open.windows, Date.now() - windowMs);
    const { due, done } = duePart(open.windows, tellingsMax);
    const id = schemaId();
    const told: TrailLine[] = done.map((window) => ['done', window]);
    if (id !== undefined && due.length > 0) told.push(...(await publish(due, id)));
    if (told.length > 0) await open.note(told);
    observe(open);
    return told.length > 0 && !isFailing;
  }

  /** Gives what is to be noted of those that Kafka has, and of those that can never be told. */
  async function publish(due: readonly TrailTelling[], id: number): Promise<TrailLine[]> {
    const made = due.map((telling) => recordOfTelling(telling, { schemaId: id, mac }));
    const sent = made.filter(({ record }) => record !== null);
    const outcomes = await publisher.publish(
      eventsTopic,
      sent.flatMap(({ record }) => record ?? []),
    );
    const told = sent.filter((_one, index) => outcomes[index]?.ok === true);
    const failed = outcomes.find((outcome) => !outcome.ok);
    metrics.events.inc({ outcome: 'published' }, told.length);
    metrics.events.inc({ outcome: 'failed' }, sent.length - told.length);
    metrics.events.inc({ outcome: 'dropped' }, made.length - sent.length);
    noteFailure(failed?.ok === false ? failed.error : null, sent.length - told.length);
    const over = [...told, ...made.filter(({ record }) => record === null)];
    for (const one of over) noteShortened(one);
    return over.map(({ telling: { window, of } }) => [of === 'first' ? 'told' : 'done', window.id]);
  }

  /** An event of our own that is not valid is a bug: it costs its texts, or itself, and never holds up the others. */
  function noteShortened({ telling: { window, of }, record, error: err }: ToldRecord): void {
    if (err === null) return;
    const told = { err, reading: window.id, log: window.entry.log, of, reads: of === 'first' ? 1 : window.repeats };
    logger.error(told, record === null ? 'trail.dropped' : 'trail.shortened');
  }

  /** Logged when it begins and when it ends: in between, the metric counts. */
  function noteFailure(error: Error | null, events: number): void {
    if (error !== null && !isFailing) logger.warn({ err: error, events }, 'trail.not_told');
    if (error === null && isFailing) logger.info('trail.told_again');
    isFailing = error !== null;
  }

  function observe(open: TrailSpool): void {
    metrics.spoolBytes.set(open.bytes());
    metrics.spoolBytesMax.set(ports.spool.bytesMax);
    metrics.windows.set(open.windows.byId.size);
  }

  function tellIn(delayMs: number): void {
    clearTimeout(timer);
    if (isStopping) return;
    timer = setTimeout(() => void tellAgain(), delayMs);
  }

  async function tellAgain(): Promise<void> {
    if (spool === undefined) return;
    round ??= tell(spool).finally(() => (round = undefined));
    const isMore = await round.catch((error: unknown) => {
      logger.error({ err: error }, 'trail.round_failed');
      return false;
    });
    tellIn(isMore ? 0 : roundMs);
  }

  async function finish(open: TrailSpool): Promise<void> {
    const endsAtMs = Date.now() + finishMs;
    await round?.catch(() => undefined);
    closeWindows(open.windows, Infinity);
    // A first reading and its repeats are told one after the other; then it is noted that nothing is left.
    while (open.windows.byId.size > 0 && Date.now() < endsAtMs && (await tell(open)));
    if (open.windows.byId.size > 0) logger.warn({ readings: open.windows.byId.size }, 'trail.left_in_spool');
    await open.close();
  }

  return {
    async start() {
      spool = await openTrailSpool(ports.spool, logger);
      observe(spool);
      tellIn(0);
    },
    async stop() {
      isStopping = true;
      clearTimeout(timer);
      if (spool !== undefined) await finish(spool);
    },
    async keep(kind, reading, origin) {
      if (spool === undefined) throw new DocketError('trail_unavailable', 'The access trail is not open yet.');
      const entry = entryOfReading(kind, reading, origin);
      const fingerprint = fingerprintOfReading(kind, reading);
      const atMs = Date.now();
      try {
        await spool.keep({ id: newEventId(), fingerprint, atMs, openedAfterMs: atMs - windowMs, entry });
      } catch (cause) {
        if (cause instanceof SpoolShareError) {
          metrics.rateLimited.inc();
          throw new DocketError('rate_limited', 'Too many readings of this tenant or key wait for the access trail.', {
            cause,
          });
        }
        metrics.refused.inc();
        throw new DocketError('trail_unavailable', 'The reading cannot be kept in the access trail.', { cause });
      } finally {
        observe(spool);
      }
      metrics.readings.inc({ kind });
    },
    check: () => (spool === undefined ? { ok: false, detail: 'the spool is not open' } : { ok: true }),
  };
}
