import { metadataValueBytesMax } from '../audit-event.ts';
import { isRecord, type AvroType } from '../avro/avro-types.ts';
import { eventDeclaration, stampDeclaration, type FieldDeclaration } from '../field-declaration.ts';
import { bytePatternOf, type BytePattern } from './byte-patterns.ts';
import { isIpText } from './ip-text.ts';
import type { MapLimits } from './list-step.ts';
import type { TextLimits } from './put-range.ts';

/** A field on its way to its columns or its text: where it stands, and what the declaration and the path say of it. */
export interface Field {
  readonly type: AvroType;
  /** As in field-table.ts: `[]` marks an element. */
  readonly path: string;
  /** Undefined for the seed, which is bytes of a fixed length. */
  readonly declared: FieldDeclaration | undefined;
  readonly isRequired: boolean;
  readonly isInList: boolean;
}

/** The event itself. */
export function eventField(type: AvroType): Field {
  return { type, path: '', declared: eventDeclaration, isRequired: true, isInList: false };
}

export function fieldsOf({ type, path, declared, isInList }: Field): Field[] {
  if (!isRecord(type)) return [];
  return type.fields.map((inner) => ({
    type: inner.type,
    path: path === '' ? inner.name : `${path}.${inner.name}`,
    declared: path === '' && inner.name === 'ingest' ? stampDeclaration : declared?.properties?.[inner.name],
    isRequired: declared?.required?.includes(inner.name) ?? false,
    isInList,
  }));
}

export function itemOf(field: Field, type: AvroType): Field {
  return { ...field, type, path: `${field.path}[]`, declared: field.declared?.items, isInList: true };
}

export function mapLimitsOf({ declared }: Field): MapLimits {
  return {
    entriesMax: declared?.maxProperties ?? 0,
    key: bytePatternOf(declared?.propertyNames?.pattern ?? ''),
    value: { charactersMin: 0, charactersMax: metadataValueBytesMax, bytesMax: metadataValueBytesMax },
  };
}

/** What a string field has to be; `ascii`: what matches needs no escapes in JSON. */
export type TextRule =
  | { readonly kind: 'tenant' | 'uuid' }
  | { readonly kind: 'ascii'; readonly bytesMax: number; readonly isRight: BytePattern }
  | { readonly kind: 'text'; readonly limits: TextLimits };

/** More than a body has. A small integer, which the hot path compares faster than others. */
const unlimited = 2 ** 28;

export function textRuleOf({ path, declared, isRequired }: Field): TextRule {
  if (path === 'tenant_id') return { kind: 'tenant' };
  if (declared?.['x-format'] === 'uuid') return { kind: 'uuid' };
  const bytesMax = declared?.['x-bytesMax'] ?? (declared?.maxLength ?? unlimited) * 4;
  if (declared?.['x-format'] === 'ip') return { kind: 'ascii', bytesMax: unlimited, isRight: isEmptyOrIp };
  const charactersMax = declared?.maxLength ?? unlimited;
  if (declared?.pattern !== undefined)
    return { kind: 'ascii', bytesMax: charactersMax, isRight: patternOf(declared.pattern, path) };
  const charactersMin = isRequired ? (declared?.minLength ?? 0) : 0;
  return { kind: 'text', limits: { charactersMin, charactersMax, bytesMax } };
}

const isEmptyOrIp: BytePattern = (view, from, to) => to === from || isIpText(view, from, to);

function patternOf(pattern: string, path: string): BytePattern {
  const matches = bytePatternOf(pattern);
  if (path !== 'action') return matches;
  return (view, from, to) => matches(view, from, to) && !isReservedAlike(view, from, to);
}

const reservedStart = Buffer.from('docket');

/** Also true for names such as `docketing`, which the slow path tells apart. */
function isReservedAlike(view: DataView, from: number, to: number): boolean {
  if (to - from < reservedStart.length) return false;
  for (let index = 0; index < reservedStart.length; index += 1)
    if (view.getUint8(from + index) !== reservedStart[index]) return false;
  return true;
}
