import { aheadOfArrivalMsMax, changeValueBytesMax } from '../audit-event.ts';
import { isArray, isEnum, isFixed, isMap, isRecord, isUnion, type AvroType } from '../avro/avro-types.ts';
import { auditEventType } from '../avro-codec.ts';
import { columnOf } from '../field-table.ts';
import type { ByteSink } from './byte-sink.ts';
import { eventField, fieldsOf, itemOf, mapLimitsOf, textRuleOf, type Field } from './field-rules.ts';
import {
  asciiStep,
  counterStep,
  enumStep,
  fixedStep,
  optionalStep,
  sequenceStep,
  tenantStep,
  textStep,
  timeStep,
  uuidStep,
  type FieldStep,
} from './field-step.ts';
import { jsonStep, listStep, mapStep } from './list-step.ts';

/** The sinks of a column in the order of the Native format: ends before items, nulls before values, keys before values. */
export type SinksOf = (column: string) => readonly ByteSink[];

/**
 * Every field of an event in the order of our own Avro schema, each with the limits of the one declaration, on its way to
 * the columns of one block.
 */
export function eventSteps(sinksOf: SinksOf): FieldStep {
  return stepOf(eventField(auditEventType), sinksOf);
}

function stepOf(field: Field, sinksOf: SinksOf): FieldStep {
  const { type, path } = field;
  if (isRecord(type)) return sequenceStep(fieldsOf(field).map((inner) => stepOf(inner, sinksOf)));
  if (isArray(type)) return listOf(field, type.itemsType, sinksOf);
  if (isMap(type)) return path === lastContentPath ? endingContent(mapOf(field, sinksOf)) : mapOf(field, sinksOf);
  if (isUnion(type)) return optionalOf(field, type.types, sinksOf);
  const sink = sinkAt(sinksOf(eventColumnOf(path)), field.isInList ? 1 : 0);
  if (isEnum(type)) return enumStep(sink, type.symbols);
  if (isFixed(type)) return fixedStep(sink, type.size);
  if (type.typeName === 'long') return counterStep(sink);
  if (type.typeName === 'string') return stringOf(field, sink);
  throw new Error(`the field ${path} has no way to its column`);
}

/** The last field that the content hash covers (content-hash.ts). */
const lastContentPath = 'metadata';

function endingContent(field: FieldStep): FieldStep {
  return {
    ...field,
    read(source, at) {
      source.contentTo = field.read(source, at);
      return source.contentTo;
    },
  };
}

/** The stamp's address is the one column that is not named for its path. */
function eventColumnOf(path: string): string {
  return path === 'ingest.received_from' ? 'ingest_from' : columnOf(path);
}

function sinkAt(sinks: readonly ByteSink[], index: number): ByteSink {
  const sink = sinks[index];
  if (sink === undefined) throw new Error('a column has fewer sinks than its type says');
  return sink;
}

function listOf(field: Field, itemType: AvroType, sinksOf: SinksOf): FieldStep {
  const { declared } = field;
  const item = itemOf(field, itemType);
  const ends = fieldsOf(item).map(({ path }) => sinkAt(sinksOf(columnOf(path)), 0));
  return listStep(ends, declared?.maxItems ?? 0, stepOf(item, sinksOf));
}

function mapOf(field: Field, sinksOf: SinksOf): FieldStep {
  const sinks = sinksOf(columnOf(field.path)).slice(field.isInList ? 1 : 0);
  const named = { ends: sinkAt(sinks, 0), keys: sinkAt(sinks, 1), values: sinkAt(sinks, 2) };
  return mapStep(named, mapLimitsOf(field));
}

/** A union is null or one other type. */
function optionalOf(field: Field, branches: readonly AvroType[], sinksOf: SinksOf): FieldStep {
  const [nothing, type, ...others] = branches;
  if (nothing?.typeName !== 'null' || type === undefined || others.length > 0)
    throw new Error(`the field ${field.path} is not null or one other type`);
  const sinks = sinksOf(eventColumnOf(field.path));
  if (field.path === 'occurred_at') return timeStep(sinkAt(sinks, 0), aheadOfArrivalMsMax);
  if (field.isInList) return optionalStep(jsonStep(sinkAt(sinks, 1), sinkAt(sinks, 2), changeValueBytesMax));
  return optionalStep(stepOf({ ...field, type }, sinksOf));
}

function stringOf(field: Field, sink: ByteSink): FieldStep {
  const rule = textRuleOf(field);
  switch (rule.kind) {
    case 'tenant':
      return tenantStep(sink);
    case 'uuid':
      return uuidStep(sink);
    case 'ascii':
      return asciiStep(sink, rule.bytesMax, rule.isRight);
    case 'text':
      return textStep(sink, rule.limits);
  }
}
