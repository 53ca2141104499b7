import { createHash } from 'node:crypto';

import type { EventInput } from './audit-event.ts';
import { rfc3339OfMillis } from './occurred-at.ts';
import { contextOfOrigin } from './own-event.ts';
import type { RequestOrigin } from './own-event.ts';
import type { TypedId } from './search/scope-search.ts';
import { cutBytes } from './text-limits.ts';

/** One reading of a log, or several that are told together. */
export interface LogReading {
  readonly id: string;
  /** The log in which it is told. */
  readonly log: string;
  /** In its action, after `docket.log.`. */
  readonly kind: string;
  readonly atMs: number;
  readonly actor: TypedId;
  /** Of the credential: the key, the viewer token where there is one, and what it may see. */
  readonly credential: Readonly<Record<string, string>>;
  /** What was read. */
  readonly resources: NonNullable<EventInput['resources']>;
  readonly origin: RequestOrigin;
  readonly service: string;
  /** By name; empty texts are left out, long ones cut as `boundAsked` does. */
  readonly asked: Readonly<Record<string, string>>;
  /** Events that the answer shows or counts; null: not known. */
  readonly results: number | null;
  readonly reads: number;
  /** The event of the first of them; null: this is it. */
  readonly repeatsOf: string | null;
}

/** Of one text of what was asked: beyond any that a person writes, and 17 of the 64 keys that metadata may have. */
export const askedTextBytesMax = 32 * 1024;

/**
 * What was asked, with each text cut to 32 KiB of UTF-8, whole characters only. One that was cut is marked: `<name>_bytes` and
 * `<name>_sha256` (hex) are of the whole text. What is bounded already stays as it is.
 */
export function boundAsked(asked: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(asked).flatMap(([name, text]) => boundText(name, text.toWellFormed())));
}

function boundText(name: string, text: string): [string, string][] {
  const kept = cutBytes(text, askedTextBytesMax);
  if (kept.length === text.length) return [[name, text]];
  return [
    [name, kept],
    [`${name}_bytes`, String(Buffer.byteLength(text))],
    [`${name}_sha256`, createHash('sha256').update(text).digest('hex')],
  ];
}

/** A metadata value takes 2,048 bytes; a longer text continues under `<name>.2`, `<name>.3`, … */
const pieceBytesMax = 2_048;

/** The event of the access trail, whichever service has answered. */
export function eventOfLogReading(reading: LogReading): EventInput & { readonly id: string } {
  const { id, log, kind, atMs, actor, credential, resources, origin, service, asked } = reading;
  const { results, reads, repeatsOf } = reading;
  return {
    id,
    tenant_id: log,
    occurred_at: rfc3339OfMillis(atMs),
    action: `docket.log.${kind}`,
    category: 'data',
    operation: 'read',
    actor: { ...actor, metadata: credential },
    resources: [...resources],
    context: contextOfOrigin(origin),
    source: { service },
    metadata: {
      ...Object.fromEntries(Object.entries(boundAsked(asked)).flatMap(([name, text]) => piecesOf(name, text))),
      ...(results === null ? {} : { results }),
      reads,
      ...(repeatsOf === null ? {} : { repeats_of: repeatsOf }),
    },
  };
}

function piecesOf(name: string, text: string): [string, string][] {
  const pieces: [string, string][] = [];
  for (let rest = text; rest !== '';) {
    const piece = cutBytes(rest, pieceBytesMax);
    pieces.push([pieces.length === 0 ? name : `${name}.${pieces.length + 1}`, piece]);
    rest = rest.slice(piece.length);
  }
  return pieces;
}
