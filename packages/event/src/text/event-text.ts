import { isArray, isEnum, isMap, isRecord, isUnion, type AvroType } from '../avro/avro-types.ts';
import { auditEventType } from '../avro-codec.ts';
import { putByte, putBytes, type ByteSink } from '../columns/byte-sink.ts';
import { createSource, doubt, pointAt, readLength, readPositiveLong, type Source } from '../columns/source.ts';
import { fixedText, putDecimal, putFixed, putRaw } from './put-json.ts';
import { exactTimesMs, putJsonTime } from './put-time.ts';
import {
  countStep,
  enumStep,
  jsonStep,
  listStep,
  mapStep,
  memberStep,
  objectStep,
  optionalStep,
  textStep,
  type TextStep,
} from './text-step.ts';

/** Where the event stands. */
export interface TextPlace {
  readonly seq: number;
  readonly log: Uint8Array;
  readonly receivedAtMs: number;
}

/**
 * Appends an accepted event as JSON.stringify writes what `toPublicEvent` gives, without its closing brace, so that more members can follow. False, with
 * nothing appended, when the slow path has to write it. The body is `value` from `from` on, one that `createEventCheck` has found to be an event.
 */
export type EventTextWriter = (value: Buffer, from: number, place: TextPlace, out: ByteSink) => boolean;

/** Never shown. They are the last ones. */
const hiddenFields = new Set(['commitment_seed', 'ingest']);

/** Makes a writer of the JSON of events, straight from their Avro: a fraction of the price of decoding them and writing the objects. */
export function createEventTextWriter(): EventTextWriter {
  const source = createSource();
  const place = { seq: 0 };
  const shown = fieldsOf(auditEventType).filter(({ name }) => !hiddenFields.has(name));
  const steps = shown.map(({ name, type }): TextStep => {
    // In the order of a public event: its place behind the id, and its tenant behind its times.
    if (name === 'id') return (...from) => putIdentity(...from, place.seq);
    if (name === 'tenant_id') return passText;
    if (name === 'occurred_at') return putTimesAndTenant;
    return memberStep(name, stepOf(type, name === 'changes'));
  });
  return (value, from, { seq, log, receivedAtMs }, out) => {
    const mark = out.length;
    let at = pointAt(source, value, from);
    place.seq = seq;
    source.log = log;
    source.arrivalMs = receivedAtMs;
    for (const step of steps) {
      at = step(source, at, out);
      if (at >= 0) continue;
      out.length = mark;
      return false;
    }
    return true;
  };
}

function fieldsOf(type: AvroType): readonly { readonly name: string; readonly type: AvroType }[] {
  if (!isRecord(type)) throw new Error('an event is no record');
  return type.fields;
}

function stepOf(type: AvroType, isChange: boolean): TextStep {
  if (isRecord(type))
    return objectStep(type.fields.map(({ name, type: inner }) => memberStep(name, stepOf(inner, isChange))));
  if (isArray(type)) return listStep(stepOf(type.itemsType, isChange));
  if (isMap(type)) return mapStep;
  if (isEnum(type)) return enumStep(type.symbols);
  if (isUnion(type)) {
    const value = type.types.find(({ typeName }) => typeName !== 'null');
    if (value === undefined) throw new Error('a union of nothing');
    // The optional texts of a change are JSON.
    return optionalStep(isChange ? jsonStep : stepOf(value, isChange));
  }
  if (type.typeName === 'long') return countStep;
  if (type.typeName === 'string') return textStep;
  throw new Error(`the type ${type.typeName} has no way to its text`);
}

const idCharacters = 36;
const idStart = fixedText('{"id":"');
const seqStart = fixedText('","seq":');

/** The id in lower case, and seq. */
function putIdentity(source: Source, at: number, out: ByteSink, seq: number): number {
  const length = readLength(source, at);
  const from = source.at;
  if (length !== idCharacters || from + length > source.end) return doubt;
  putFixed(out, idStart);
  const to = out.length;
  putRaw(source, from, length, out);
  // Digits and hyphens have this bit anyway.
  for (let index = to; index < out.length; index += 1) out.buffer[index] = (out.buffer[index] ?? 0) | 0x20;
  putFixed(out, seqStart);
  putDecimal(out, seq);
  return from + length;
}

const passText: TextStep = (source, at) => {
  const length = readLength(source, at);
  return length < 0 ? doubt : source.at + length;
};

const occurredStart = fixedText(',"occurred_at":');
const receivedStart = fixedText(',"received_at":');
const tenantStart = fixedText(',"tenant_id":"');
const quote = 0x22;

/** A missing time is that of the arrival. */
const putTimesAndTenant: TextStep = (source, at, out) => {
  if (at >= source.end) return doubt;
  const isGiven = source.view.getUint8(at) !== 0;
  const micros = isGiven ? readPositiveLong(source, at + 1) : source.arrivalMs * 1000;
  const ms = Math.floor(micros / 1000);
  if (micros < 0 || ms >= exactTimesMs || source.arrivalMs >= exactTimesMs) return doubt;
  putFixed(out, occurredStart);
  putJsonTime(out, ms, micros - ms * 1000);
  putFixed(out, receivedStart);
  putJsonTime(out, source.arrivalMs, -1);
  putFixed(out, tenantStart);
  putBytes(out, source.log);
  putByte(out, quote);
  return isGiven ? source.at : at + 1;
};
