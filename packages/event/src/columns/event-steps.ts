import { aheadOfArrivalMsMax, changeValueBytesMax, metadataValueBytesMax } from '../audit-event.ts';
import { isArray, isEnum, isFixed, isMap, isRecord, isUnion, type AvroType } from '../avro/avro-types.ts';
import { auditEventType } from '../avro-codec.ts';
import { eventDeclaration, stampDeclaration, type FieldDeclaration } from '../field-declaration.ts';
import { columnOf } from '../field-table.ts';
import { bytePatternOf, type BytePattern } from './byte-patterns.ts';
import type { ByteSink } from './byte-sink.ts';
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
import { isIpText } from './ip-text.ts';
import { jsonStep, listStep, mapStep } from './list-step.ts';

/** The sinks of a column in the order of the Native format: ends before items, nulls before values, keys before values. */
export type SinksOf = (column: string) => readonly ByteSink[];

/** A field on its way to its columns: where it stands, and what the declaration and the path say of it. */
interface Field {
  readonly type: AvroType;
  /** As in field-table.ts: `[]` marks an element. */
  readonly path: string;
  /** Undefined for the seed, which is bytes of a fixed length. */
  readonly declared: FieldDeclaration | undefined;
  readonly isRequired: boolean;
  readonly isInList: boolean;
}

/**
 * Every field of an event in the order of our own Avro schema, each with the limits of the one declaration, on its way to
 * the columns of one block.
 */
export function eventSteps(sinksOf: SinksOf): FieldStep {
  const root = { path: '', declared: eventDeclaration, isRequired: true, isInList: false };
  return stepOf({ ...root, type: auditEventType }, sinksOf);
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

function fieldsOf({ type, path, declared, isInList }: Field): Field[] {
  if (!isRecord(type)) return [];
  return type.fields.map((inner) => ({
    type: inner.type,
    path: path === '' ? inner.name : `${path}.${inner.name}`,
    declared: path === '' && inner.name === 'ingest' ? stampDeclaration : declared?.properties?.[inner.name],
    isRequired: declared?.required?.includes(inner.name) ?? false,
    isInList,
  }));
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
  const item = { ...field, type: itemType, path: `${field.path}[]`, declared: declared?.items, isInList: true };
  const ends = fieldsOf(item).map(({ path }) => sinkAt(sinksOf(columnOf(path)), 0));
  return listStep(ends, declared?.maxItems ?? 0, stepOf(item, sinksOf));
}

function mapOf({ path, declared, isInList }: Field, sinksOf: SinksOf): FieldStep {
  const sinks = sinksOf(columnOf(path)).slice(isInList ? 1 : 0);
  const named = { ends: sinkAt(sinks, 0), keys: sinkAt(sinks, 1), values: sinkAt(sinks, 2) };
  const value = { charactersMin: 0, charactersMax: metadataValueBytesMax, bytesMax: metadataValueBytesMax };
  const key = bytePatternOf(declared?.propertyNames?.pattern ?? '');
  return mapStep(named, { entriesMax: declared?.maxProperties ?? 0, key, value });
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

/** More than a body has. A small integer, which the hot path compares faster than others. */
const unlimited = 2 ** 28;

function stringOf({ path, declared, isRequired }: Field, sink: ByteSink): FieldStep {
  if (path === 'tenant_id') return tenantStep(sink);
  if (declared?.['x-format'] === 'uuid') return uuidStep(sink);
  const bytesMax = declared?.['x-bytesMax'] ?? (declared?.maxLength ?? unlimited) * 4;
  if (declared?.['x-format'] === 'ip') return asciiStep(sink, unlimited, isEmptyOrIp);
  if (declared?.pattern !== undefined) return patternOf(declared.pattern, declared.maxLength ?? unlimited, path, sink);
  const charactersMax = declared?.maxLength ?? unlimited;
  return textStep(sink, { charactersMin: isRequired ? (declared?.minLength ?? 0) : 0, charactersMax, bytesMax });
}

const isEmptyOrIp: BytePattern = (view, from, to) => to === from || isIpText(view, from, to);

function patternOf(pattern: string, bytesMax: number, path: string, sink: ByteSink): FieldStep {
  const matches = bytePatternOf(pattern);
  if (path !== 'action') return asciiStep(sink, bytesMax, matches);
  return asciiStep(sink, bytesMax, (view, from, to) => matches(view, from, to) && !isReservedAlike(view, from, to));
}

const reservedStart = Buffer.from('docket');

/** Also true for names such as `docketing`, which the slow path tells apart. */
function isReservedAlike(view: DataView, from: number, to: number): boolean {
  if (to - from < reservedStart.length) return false;
  for (let index = 0; index < reservedStart.length; index += 1)
    if (view.getUint8(from + index) !== reservedStart[index]) return false;
  return true;
}
