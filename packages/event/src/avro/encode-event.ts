import { categories, operations, outcomes, severities } from '../audit-event.ts';
import type { AuditEvent, Change, Metadata, Resource } from '../audit-event.ts';
import {
  clearSink,
  createByteSink,
  putByte,
  putBytes,
  reserve,
  writtenBytes,
  type ByteSink,
} from '../columns/byte-sink.ts';
import { putLong } from './avro-output.ts';

/** Up to this many UTF-16 units take at most 63 bytes of UTF-8, so that their zigzag length is one byte. */
const shortUnitsMax = 21;
const seedBytes = 16;

const categoryIndex = indexOf(categories);
const operationIndex = indexOf(operations);
const outcomeIndex = indexOf(outcomes);
const severityIndex = indexOf(severities);

/** One at a time: the encoder never waits. */
const out = createByteSink();

/**
 * The Avro body of an event in our own schema (schemas/avro/audit-event.avsc), byte for byte what avsc writes, in a third of the time: field by field, in
 * the schema's order. Throws a TypeError when a field has a wrong type: a bug.
 */
export function encodeOwnBody(event: AuditEvent): Buffer {
  clearSink(out);
  putText(event.id);
  putText(event.tenant_id);
  putOptional(event.occurred_at, putWhole);
  putText(event.action);
  putOptional(event.category, (category) => putSymbol(categoryIndex, category));
  putSymbol(operationIndex, event.operation);
  putSymbol(outcomeIndex, event.outcome);
  putText(event.outcome_reason);
  putSymbol(severityIndex, event.severity);
  putResource(event.actor);
  putOptional(event.on_behalf_of, putPrincipal);
  putArray(event.resources, putResource);
  putArray(event.changes, putChange);
  putText(event.description);
  putContext(event.context);
  putSource(event.source);
  putMetadata(event.metadata);
  putOptional(event.commitment_seed, putSeed);
  putOptional(event.ingest, putStamp);
  return Buffer.from(writtenBytes(out));
}

function putResource({ type, id, name, metadata }: Resource): void {
  putText(type);
  putText(id);
  putText(name);
  putMetadata(metadata);
}

function putPrincipal({ type, id, name }: NonNullable<AuditEvent['on_behalf_of']>): void {
  putText(type);
  putText(id);
  putText(name);
}

function putChange({ path, old, new: after }: Change): void {
  putText(path);
  putOptional(old, putText);
  putOptional(after, putText);
}

function putContext(context: AuditEvent['context']): void {
  putText(context.ip);
  putText(context.user_agent);
  putText(context.country);
  putText(context.session_id);
  putText(context.request_id);
  putText(context.trace_id);
}

function putSource({ service, version, instance, counter }: AuditEvent['source']): void {
  putText(service);
  putText(version);
  putText(instance);
  putWhole(counter);
}

function putStamp({ key_id: keyId, received_from: receivedFrom }: NonNullable<AuditEvent['ingest']>): void {
  putText(keyId);
  putText(receivedFrom);
}

function putSeed(seed: Uint8Array): void {
  if (seed.length !== seedBytes) throw new TypeError(`a seed has ${seedBytes} bytes, not ${seed.length}`);
  putBytes(out, seed);
}

/** A union of null, which comes first, and one other type. */
function putOptional<T>(value: T | null, put: (value: T) => void): void {
  if (value === null) return putByte(out, 0);
  putByte(out, 2);
  put(value);
}

/** One block, and the empty one that ends every array and map. */
function putArray<T>(values: readonly T[], put: (value: T) => void): void {
  if (values.length > 0) putLong(out, values.length);
  for (const value of values) put(value);
  putByte(out, 0);
}

function putMetadata(metadata: Metadata): void {
  const names = Object.keys(metadata);
  if (names.length > 0) putLong(out, names.length);
  for (const name of names) {
    putText(name);
    putText(metadata[name]);
  }
  putByte(out, 0);
}

function putSymbol(indices: ReadonlyMap<string, number>, symbol: string): void {
  const index = indices.get(symbol);
  if (index === undefined) throw new TypeError(`not a symbol: ${symbol}`);
  putLong(out, index);
}

function putWhole(value: number): void {
  if (!Number.isSafeInteger(value)) throw new TypeError(`not a whole number: ${String(value)}`);
  putLong(out, value);
}

function putText(value: string | undefined): void {
  if (typeof value !== 'string') throw new TypeError(`not a text: ${String(value)}`);
  const units = value.length;
  if (units > shortUnitsMax) return putLongText(out, value);
  reserve(out, 1 + units * 3);
  const { buffer } = out;
  const start = out.length + 1;
  for (let index = 0; index < units; index += 1) {
    const unit = value.charCodeAt(index);
    if (unit >= 0x80) {
      const bytes = buffer.write(value, start);
      buffer[start - 1] = bytes * 2;
      out.length = start + bytes;
      return;
    }
    buffer[start + index] = unit;
  }
  buffer[start - 1] = units * 2;
  out.length = start + units;
}

function putLongText(sink: ByteSink, value: string): void {
  const bytes = Buffer.byteLength(value);
  putLong(sink, bytes);
  reserve(sink, bytes);
  // Where every unit is a byte there is nothing to encode.
  if (bytes === value.length) sink.buffer.write(value, sink.length, 'latin1');
  else sink.buffer.write(value, sink.length);
  sink.length += bytes;
}

function indexOf(symbols: readonly string[]): ReadonlyMap<string, number> {
  return new Map(symbols.map((symbol, index) => [symbol, index]));
}
