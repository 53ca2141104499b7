import { canonicalJson, isPlainObject } from './canonical-json.ts';
import { eventDeclaration, type FieldDeclaration } from './field-declaration.ts';
import type { FieldError } from './validate-event.ts';

/** Metadata under which a field that an event does not have is kept: `_unknown.actor.email`. */
const unknownPrefix = '_unknown.';

export interface KeptFields {
  /** The event with such fields in its metadata instead; whether it is valid now is not judged. */
  readonly input: Record<string, unknown>;
  /** Which, and where they are now. */
  readonly kept: readonly FieldError[];
}

interface Found {
  readonly pointer: string;
  readonly key: string;
  readonly value: unknown;
}

/** More keys than metadata holds. */
const keptMax = 64;

/**
 * Moves the fields that an event does not have into its metadata, each under its path: scalars as they are, all else as JSON text. Gives undefined when
 * there are none, too many, or when metadata has such a key already. Nothing is cut: what does not fit into metadata makes the event invalid.
 */
export function keepUnknownFields(event: unknown): KeptFields | undefined {
  if (!isPlainObject(event)) return undefined;
  const found: Found[] = [];
  const known = knownPart(eventDeclaration, event, { pointer: '', path: '' }, found);
  if (found.length === 0 || found.length > keptMax || !isPlainObject(known)) return undefined;
  const { metadata = {} } = known;
  if (!isPlainObject(metadata) || found.some(({ key }) => Object.hasOwn(metadata, key))) return undefined;
  const moved = Object.fromEntries(found.map(({ key, value }) => [key, scalarOf(value)]));
  if (Object.keys(moved).length < found.length) return undefined;
  return {
    input: { ...known, metadata: { ...metadata, ...moved } },
    kept: found.map(({ pointer, key }) => ({
      pointer,
      detail: `is not a field of an event; kept as metadata ${key.slice(0, 128)}`,
    })),
  };
}

function knownPart(
  schema: FieldDeclaration,
  value: unknown,
  at: { readonly pointer: string; readonly path: string },
  found: Found[],
): unknown {
  if (found.length > keptMax) return value;
  const within = (name: string): { pointer: string; path: string } => ({
    pointer: `${at.pointer}/${name.slice(0, 128).replaceAll('~', '~0').replaceAll('/', '~1')}`,
    path: at.path === '' ? name : `${at.path}.${name}`,
  });
  if (Array.isArray(value) && schema.items !== undefined) {
    const { items, maxItems = Infinity } = schema;
    if (value.length > maxItems) return value;
    return value.map((item: unknown, index) => knownPart(items, item, within(String(index)), found));
  }
  if (!isPlainObject(value) || schema.properties === undefined || schema['x-metadata'] === true) return value;
  const kept: [string, unknown][] = [];
  for (const name of Object.keys(value)) {
    if (found.length > keptMax) return value;
    const place = within(name);
    const declared = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    if (declared === undefined) {
      found.push({ pointer: place.pointer, key: `${unknownPrefix}${place.path}`, value: value[name] });
    } else kept.push([name, knownPart(declared, value[name], place, found)]);
  }
  return Object.fromEntries(kept);
}

/** null would drop the key. */
function scalarOf(value: unknown): unknown {
  return typeof value === 'object' ? canonicalJson(value) : value;
}
