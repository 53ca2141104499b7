import {
  createEventCodec,
  schemaIdOf,
  type CodecLookup,
  type DecoderLookup,
  type EventCodec,
  type LogRecord,
} from '@docket/event';
import type { Logger } from '@docket/runtime';
import { setTimeout as pause } from 'node:timers/promises';

import type { SchemaRegistry } from './schema-registry.ts';

/** A schema that was registered a moment ago may not be visible on every node of the registry yet. */
const unknownRetryMs = 30_000;
/**
 * An id that was unknown stays so for this long, and is not waited for again: neither garbage nor a producer that registers its schemas elsewhere
 * may hold up a partition again and again.
 */
const unknownRememberedMs = 60_000;
/** From its last time on. */
const givenUpRememberedMs = 3_600_000;
/** Within this time after one was given up, others are waited for no longer than this: garbage names a new id in each record. */
const impatientRetryMs = 2_000;
const pauseMs = 500;
/** Of the ids in a log line. */
const namedIdsMax = 10;
/** I8: a hostile producer can name any id. */
const unknownIdsMax = 10_000;

export interface EventDecoders {
  /** Waits until every schema id of these records is known or given up; then the look-up answers for all of them. Rejects only when `signal` aborts. */
  prepare(records: readonly LogRecord[], signal: AbortSignal): Promise<void>;
  readonly decoderOf: DecoderLookup;
}

export interface EventCodecs extends EventDecoders {
  /** As decoderOf, for the compiled path; also undefined for a version that cannot be read as our schema. */
  readonly codecOf: CodecLookup;
}

/** Time, which a test lets run. */
export interface DecoderClock {
  nowMs(): number;
  /** Rejects when `signal` aborts. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

/**
 * Decoders by writer schema id. An id counts only when it is a version of `subject`. With the registry away ids that are not
 * known yet wait, and known ones flow: nothing is quarantined because a server is down.
 */
export function createEventDecoders(
  registry: Pick<SchemaRegistry, 'subjectIds' | 'schemaById'>,
  subject: string,
  logger: Logger,
  clock: DecoderClock = { nowMs: () => Date.now(), pause: (ms, signal) => pause(ms, undefined, { signal }) },
): EventCodecs {
  const codecs = new Map<number, EventCodec | null>();
  const unknownUntilMs = new Map<number, number>();
  let waitsAgainAtMs = 0;

  const isSettled = (schemaId: number): boolean =>
    codecs.has(schemaId) || (unknownUntilMs.get(schemaId) ?? 0) > clock.nowMs();

  /** Asks for all of them at once; whether the registry has answered for each. */
  async function lookUp(schemaIds: readonly number[]): Promise<boolean> {
    try {
      const versions = await registry.subjectIds(subject);
      const found = await Promise.all(schemaIds.filter((id) => versions.includes(id)).map(readSchema));
      return found.every((hasAnswer) => hasAnswer);
    } catch (error) {
      logger.warn({ schema_ids: schemaIds.slice(0, namedIdsMax), subject, err: error }, 'schema.registry_unreachable');
      return false;
    }
  }

  async function readSchema(schemaId: number): Promise<boolean> {
    const found = await registry.schemaById(schemaId);
    // Others may have asked at the same time, and making one takes as long as reading thousands of records.
    if (found.ok && !codecs.has(schemaId)) codecs.set(schemaId, codecFor(schemaId, found.schema, logger));
    return found.ok || found.reason !== 'unreachable';
  }

  /** Ids are given one after the other: what named one by mistake long ago says nothing of the schema that has it now. */
  function isGivenUp(schemaId: number): boolean {
    return (unknownUntilMs.get(schemaId) ?? -Infinity) > clock.nowMs() - givenUpRememberedMs;
  }

  function patienceMs(schemaIds: readonly number[]): number {
    if (schemaIds.every(isGivenUp)) return 0;
    return clock.nowMs() < waitsAgainAtMs ? impatientRetryMs : unknownRetryMs;
  }

  function giveUp(schemaIds: readonly number[]): void {
    const nowMs = clock.nowMs();
    if (!schemaIds.every(isGivenUp)) waitsAgainAtMs = nowMs + unknownRememberedMs;
    logger.warn({ schema_ids: schemaIds.slice(0, namedIdsMax), unknown: schemaIds.length, subject }, 'schema.unknown');
    for (const schemaId of schemaIds) {
      if (unknownUntilMs.size >= unknownIdsMax) unknownUntilMs.clear();
      unknownUntilMs.set(schemaId, nowMs + unknownRememberedMs);
    }
  }

  return {
    async prepare(records, signal) {
      const unsettled = (): number[] => schemaIds.filter((schemaId) => !isSettled(schemaId));
      const schemaIds = schemaIdsOf(records);
      let waitedFromMs = clock.nowMs();
      for (let missing = unsettled(); missing.length > 0; missing = unsettled()) {
        const isAnswered = await lookUp(missing);
        if (!isAnswered) waitedFromMs = clock.nowMs();
        const stillMissing = unsettled();
        if (stillMissing.length === 0) return;
        if (isAnswered && clock.nowMs() - waitedFromMs >= patienceMs(stillMissing)) return giveUp(stillMissing);
        await clock.pause(pauseMs, signal);
      }
    },
    decoderOf(schemaId) {
      const codec = codecs.get(schemaId);
      return codec === null ? refuse : codec?.decode;
    },
    codecOf: (schemaId) => codecs.get(schemaId) ?? undefined,
  };
}

function schemaIdsOf(records: readonly LogRecord[]): number[] {
  const ids = new Set<number>();
  for (const { value } of records) {
    const id = value === null ? undefined : schemaIdOf(value);
    if (id !== undefined) ids.add(id);
  }
  return [...ids];
}

/** A version that cannot be read as our schema makes its records undecodable; it must not stop the others. */
function codecFor(schemaId: number, schema: unknown, logger: Logger): EventCodec | null {
  try {
    return createEventCodec(schema);
  } catch (error) {
    logger.error({ schema_id: schemaId, err: error }, 'schema.incompatible');
    return null;
  }
}

function refuse(): never {
  throw new Error('its schema cannot be read as an audit event');
}
