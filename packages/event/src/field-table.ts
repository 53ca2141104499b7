import { changeDepthMax, changeValueBytesMax, metadataValueBytesMax } from './audit-event.ts';
import { eventDeclaration, type FieldDeclaration } from './field-declaration.ts';

/** A leaf of the event: its path on the wire (`[]` marks an element) and what the declaration says of it. */
export interface EventField {
  readonly path: string;
  readonly type: string;
  /** `always`; `within`: where the object that holds it is there. */
  readonly required: 'always' | 'within' | 'never';
  /** All of them, for people. */
  readonly limits: string;
  readonly description: string;
  /** Its column in audit_events. */
  readonly column: string;
}

/** Every leaf of the one declaration, in its order: documentation and the completeness test walk this. */
export function eventFields(): EventField[] {
  return leaves(eventDeclaration, '', 'always');
}

/** A list of the event: its elements are leaves, as `<path>[].…`. */
export interface EventList {
  readonly path: string;
  readonly itemsMax: number;
  readonly description: string;
}

/** Every list of the declaration, which holds no list within another. */
export function eventLists(): EventList[] {
  return Object.entries(eventDeclaration.properties ?? {}).flatMap(([path, { maxItems, description = '' }]) =>
    maxItems === undefined ? [] : [{ path, itemsMax: maxItems, description }],
  );
}

function leaves(declared: FieldDeclaration, path: string, required: EventField['required']): EventField[] {
  if (declared.items !== undefined) return leaves(declared.items, `${path}[]`, required);
  if (declared.properties === undefined) return [field(declared, path, required)];
  return Object.entries(declared.properties).flatMap(([name, inner]) => {
    const isRequired = (declared.required ?? []).includes(name);
    const given = required === 'always' ? 'always' : 'within';
    return leaves(inner, path === '' ? name : `${path}.${name}`, isRequired ? given : 'never');
  });
}

function field(declared: FieldDeclaration, path: string, required: EventField['required']): EventField {
  const type = declared['x-metadata'] === true ? 'map' : (declared['x-format'] ?? declared.type ?? 'any JSON');
  return {
    path,
    type,
    required,
    limits: limitsOf(declared),
    description: declared.description ?? '',
    column: columnOf(path),
  };
}

const range = (least: number, most: number): string => (least === 0 ? `≤ ${most}` : `${least}..${most}`);

function limitsOf(declared: FieldDeclaration): string {
  if (declared.type === undefined) return `≤ ${changeValueBytesMax} bytes, ≤ ${changeDepthMax} levels deep`;
  if (declared['x-metadata'] === true) {
    const keys = `≤ ${declared.maxProperties} keys of ${declared.propertyNames?.pattern}`;
    return `${keys}, values ≤ ${metadataValueBytesMax} bytes`;
  }
  const { enum: choices, pattern, 'x-bytesMax': bytesMax, minLength = 0, maxLength, minimum = 0, maximum } = declared;
  return [
    choices?.join(', '),
    pattern,
    maxLength === undefined || bytesMax !== undefined ? undefined : `${range(minLength, maxLength)} characters`,
    bytesMax === undefined ? undefined : `≤ ${bytesMax} bytes`,
    maximum === undefined ? undefined : `${minimum}..${maximum}`,
  ]
    .filter((limit) => limit !== undefined)
    .join('; ');
}

/** Lists keep their dot (ClickHouse's Nested), context is flat, other objects are joined by an underscore. */
export function columnOf(path: string): string {
  if (path.includes('[]')) return path.replace('[]', '');
  return path.replace(/^context\./, '').replaceAll('.', '_');
}
