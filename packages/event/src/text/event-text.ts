import { aheadOfArrivalMsMax, changeValueBytesMax, eventBytesMax } from '../audit-event.ts';
import { isArray, isEnum, isFixed, isMap, isRecord, isUnion } from '../avro/avro-types.ts';
import { auditEventType } from '../avro-codec.ts';
import { hexDigits, putByte, putBytes, type ByteSink } from '../columns/byte-sink.ts';
import { eventField, fieldsOf, itemOf, mapLimitsOf, textRuleOf, type Field } from '../columns/field-rules.ts';
import { createSource, doubt, pointAt, readLength, readPositiveLong, type Source } from '../columns/source.ts';
import { fixedText, putDecimal, putFixed, putRaw } from './put-json.ts';
import { exactTimesMs, putJsonTime } from './put-time.ts';
import {
  asciiStep,
  countStep,
  enumStep,
  fixedStep,
  hiddenStep,
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
 * Appends an accepted event as JSON.stringify writes what `toPublicEvent` gives, without its closing brace, so that more members can follow. The body is
 * `value` from `from` on. True only when it certainly is an event of this log, as `createEventCheck` finds it to be; false, with nothing appended, when the
 * slow path has to say what it is, or to write it.
 */
export type EventTextWriter = (value: Buffer, from: number, place: TextPlace, out: ByteSink) => boolean;

const hiddenFields = new Set(['commitment_seed', 'ingest']);

/** Makes a writer of the JSON of events, straight from their Avro: a fraction of the price of decoding them and writing the objects. */
export function createEventTextWriter(): EventTextWriter {
  const source = createSource();
  const place = { seq: 0 };
  const steps = fieldsOf(eventField(auditEventType)).map((field): TextStep => {
    // In the order of a public event: its place behind the id, and its tenant behind its times.
    if (field.path === 'id') return (...from) => putIdentity(...from, place.seq);
    if (field.path === 'tenant_id') return passTenant;
    if (field.path === 'occurred_at') return putTimesAndTenant;
    if (hiddenFields.has(field.path)) return hiddenStep(stepOf(field));
    return memberStep(field.path, stepOf(field));
  });
  return (value, from, { seq, log, receivedAtMs }, out) => {
    if (value.length - from > eventBytesMax) return false;
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
    if (at === source.end) return true;
    out.length = mark;
    return false;
  };
}

function stepOf(field: Field): TextStep {
  const { type, path, declared } = field;
  if (isRecord(type)) return objectStep(fieldsOf(field).map((inner) => memberStep(nameOf(inner.path), stepOf(inner))));
  if (isArray(type)) return listStep(declared?.maxItems ?? 0, stepOf(itemOf(field, type.itemsType)));
  if (isMap(type)) return mapStep(mapLimitsOf(field));
  if (isEnum(type)) return enumStep(type.symbols);
  if (isFixed(type)) return fixedStep(type.size);
  if (isUnion(type)) {
    const value = type.types.find(({ typeName }) => typeName !== 'null');
    if (value === undefined) throw new Error(`the field ${path} is always null`);
    // The optional texts in a list are the sides of changes.
    return optionalStep(field.isInList ? jsonStep(changeValueBytesMax) : stepOf({ ...field, type: value }));
  }
  if (type.typeName === 'long') return countStep;
  if (type.typeName === 'string') return textOf(field);
  throw new Error(`the field ${path} has no way to its text`);
}

function nameOf(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('.'), path.lastIndexOf(']')) + 1);
}

function textOf(field: Field): TextStep {
  const rule = textRuleOf(field);
  switch (rule.kind) {
    case 'ascii':
      return asciiStep(rule.bytesMax, rule.isRight);
    case 'text':
      return textStep(rule.limits);
    case 'tenant':
    case 'uuid':
      throw new Error(`the field ${field.path} is no member by itself`);
  }
}

const idCharacters = 36;
const idStart = fixedText('{"id":"');
const seqStart = fixedText('","seq":');

const hyphens = [8, 13, 18, 23] as const;
const hyphen = 0x2d;

/** The id, a UUID other than the nil one, in lower case; and seq. */
function putIdentity(source: Source, at: number, out: ByteSink, seq: number): number {
  const { view } = source;
  const from = at + 1;
  if (from + idCharacters > source.end || view.getUint8(at) !== idCharacters * 2) return doubt;
  for (const index of hyphens) if (view.getUint8(from + index) !== hyphen) return doubt;
  putFixed(out, idStart);
  const to = out.length;
  putRaw(source, from, idCharacters, out);
  let bits = 0;
  for (let index = 0; index < idCharacters; index += 1) {
    if (index === 8 || index === 13 || index === 18 || index === 23) continue;
    const byte = view.getUint8(from + index);
    // Negative for what is no digit.
    bits |= hexDigits[byte] ?? -1;
    out.buffer[to + index] = byte | lowerCase;
  }
  if (bits <= 0) return doubt;
  putFixed(out, seqStart);
  putDecimal(out, seq);
  return from + idCharacters;
}

/** Digits have this bit anyway. */
const lowerCase = 0x20;

/** It must be the record's log. */
const passTenant: TextStep = (source, at) => {
  const { log, view } = source;
  const length = readLength(source, at);
  const from = source.at;
  if (length !== log.length || from + length > source.end) return doubt;
  for (let index = 0; index < length; index += 1) if (view.getUint8(from + index) !== log[index]) return doubt;
  return from + length;
};

const occurredStart = fixedText(',"occurred_at":');
const receivedStart = fixedText(',"received_at":');
const tenantStart = fixedText(',"tenant_id":"');
const quote = 0x22;

const nullBranch = 0;
const valueBranch = 2;

/** A missing time is that of the arrival. */
const putTimesAndTenant: TextStep = (source, at, out) => {
  const branch = at < source.end ? source.view.getUint8(at) : doubt;
  if (branch !== nullBranch && branch !== valueBranch) return doubt;
  const { arrivalMs } = source;
  const micros = branch === valueBranch ? readPositiveLong(source, at + 1) : arrivalMs * 1000;
  if (micros < 0 || micros > (arrivalMs + aheadOfArrivalMsMax) * 1000) return doubt;
  const ms = Math.floor(micros / 1000);
  if (ms >= exactTimesMs || arrivalMs >= exactTimesMs) return doubt;
  putFixed(out, occurredStart);
  putJsonTime(out, ms, micros - ms * 1000);
  putFixed(out, receivedStart);
  putJsonTime(out, arrivalMs, -1);
  putFixed(out, tenantStart);
  putBytes(out, source.log);
  putByte(out, quote);
  return branch === valueBranch ? source.at : at + 1;
};
