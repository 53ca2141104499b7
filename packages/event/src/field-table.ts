import { eventDeclaration, type FieldDeclaration } from './field-declaration.ts';

/** A leaf of the event: its path on the wire (`[]` marks an element) and what the declaration says of it. */
export interface EventField {
  readonly path: string;
  readonly type: string;
  readonly isRequired: boolean;
  readonly limits: string;
  readonly description: string;
  /** Its column in audit_events. */
  readonly column: string;
}

/** Every leaf of the one declaration, in its order: documentation and the completeness test walk this. */
export function eventFields(): EventField[] {
  return leaves(eventDeclaration, '', true);
}

function leaves(declared: FieldDeclaration, path: string, isRequired: boolean): EventField[] {
  if (declared.items !== undefined) return leaves(declared.items, `${path}[]`, isRequired);
  if (declared.properties === undefined) return [field(declared, path, isRequired)];
  return Object.entries(declared.properties).flatMap(([name, inner]) =>
    leaves(inner, path === '' ? name : `${path}.${name}`, isRequired && (declared.required ?? []).includes(name)),
  );
}

function field(declared: FieldDeclaration, path: string, isRequired: boolean): EventField {
  const type = declared['x-metadata'] === true ? 'map' : (declared['x-format'] ?? declared.type ?? 'any JSON');
  return {
    path,
    type,
    isRequired,
    limits: limitsOf(declared),
    description: declared.description ?? '',
    column: columnOf(path),
  };
}

function limitsOf(declared: FieldDeclaration): string {
  if (declared.enum !== undefined) return declared.enum.join(', ');
  if (declared.pattern !== undefined) return declared.pattern;
  if (declared['x-bytesMax'] !== undefined) return `≤ ${declared['x-bytesMax']} bytes`;
  if (declared.maxLength !== undefined) return `${declared.minLength ?? 0}..${declared.maxLength} characters`;
  return '';
}

/** Lists keep their dot (ClickHouse's Nested), context is flat, other objects are joined by an underscore. */
export function columnOf(path: string): string {
  if (path.includes('[]')) return path.replace('[]', '');
  return path.replace(/^context\./, '').replaceAll('.', '_');
}
