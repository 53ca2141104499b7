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

import type { SchemaLookup, SchemaRegistry } from './schema-registry.ts';

/** A schema that was registered a moment ago may not be visible on every node of the registry yet. */
const unknownRetryMs = 30_000;
/** An id that was unknown stays so for this long: a producer of garbage must not hold up its partition again and again. */
const unknownRememberedMs = 60_000;
const pauseMs = 500;
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

/**
 * Decoders by writer schema id. An id counts only when it is a version of `subject`. With the registry away ids that are not
 * known yet wait, and known ones flow: nothing is quarantined because a server is down.
 */
export function createEventDecoders(registry: SchemaRegistry, subject: string, logger: Logger): EventCodecs {
  const codecs = new Map<number, EventCodec | null>();
  const unknownUntilMs = new Map<number, number>();

  const isSettled = (schemaId: number): boolean =>
    codecs.has(schemaId) || (unknownUntilMs.get(schemaId) ?? 0) > Date.now();

  async function settle(schemaId: number, signal: AbortSignal): Promise<void> {
    let givesUpAtMs = Date.now() + unknownRetryMs;
    for (;;) {
      const found = await lookUp(schemaId);
      if (found.ok) {
        // Others may have asked at the same time, and making one takes as long as reading thousands of records.
        if (!codecs.has(schemaId)) codecs.set(schemaId, codecFor(schemaId, found.schema, logger));
        return;
      }
      if (found.reason === 'unreachable') givesUpAtMs = Date.now() + unknownRetryMs;
      if (Date.now() >= givesUpAtMs) {
        logger.warn({ schema_id: schemaId, subject }, 'schema.unknown');
        if (unknownUntilMs.size >= unknownIdsMax) unknownUntilMs.clear();
        unknownUntilMs.set(schemaId, Date.now() + unknownRememberedMs);
        return;
      }
      await pause(pauseMs, undefined, { signal });
    }
  }

  async function lookUp(schemaId: number): Promise<SchemaLookup> {
    try {
      const ids = await registry.subjectIds(subject);
      return ids.includes(schemaId) ? await registry.schemaById(schemaId) : { ok: false, reason: 'unknown' };
    } catch (error) {
      logger.warn({ schema_id: schemaId, subject, err: error }, 'schema.registry_unreachable');
      return { ok: false, reason: 'unreachable' };
    }
  }

  return {
    async prepare(records, signal) {
      const missing = schemaIdsOf(records).filter((schemaId) => !isSettled(schemaId));
      await Promise.all(missing.map((schemaId) => settle(schemaId, signal)));
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
