import type { TSchema } from '@sinclair/typebox';

/** A JSON Schema (2020-12, as in OpenAPI 3.1) as data. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Schemas that have a name of their own, by it. */
export type SchemaComponents = Map<string, JsonSchema>;

/**
 * The JSON Schema of a declaration. Parts with an `$id` become components, noted in `components`, and references to them.
 * Throws when two different declarations have one name.
 */
export function jsonSchemaOf(schema: TSchema, components: SchemaComponents): JsonSchema {
  return mapSchema(schema, components);
}

function mapSchema(schema: Readonly<Record<string, unknown>>, components: SchemaComponents): JsonSchema {
  const { $id: name, ...rest } = schema;
  if (typeof name !== 'string') return mapKeywords(rest, components);
  const mapped = mapKeywords(rest, components);
  const known = components.get(name);
  if (known !== undefined && JSON.stringify(known) !== JSON.stringify(mapped)) {
    throw new Error(`Two different schemas are called ${name}.`);
  }
  components.set(name, mapped);
  return { $ref: `#/components/schemas/${name}` };
}

function mapKeywords(schema: Readonly<Record<string, unknown>>, components: SchemaComponents): JsonSchema {
  const mapped: Record<string, unknown> = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword === 'x-metadata') continue;
    if (keyword === 'x-format') Object.assign(mapped, formatOf(value));
    else if (keyword === 'patternProperties' && isObject(value)) Object.assign(mapped, namesOf(value, components));
    else if (keyword === 'properties' && isObject(value)) mapped[keyword] = mapMembers(value, components);
    else mapped[keyword] = isSchemaKeyword(keyword) ? mapValue(value, components) : value;
  }
  return asEnumeration(mapped);
}

const isSchemaKeyword = (keyword: string): boolean =>
  ['items', 'anyOf', 'allOf', 'oneOf', 'not', 'additionalProperties', 'propertyNames'].includes(keyword);

function mapValue(value: unknown, components: SchemaComponents): unknown {
  if (Array.isArray(value)) return value.map((each: unknown) => mapValue(each, components));
  return isObject(value) ? mapSchema(value, components) : value;
}

function mapMembers(members: Readonly<Record<string, unknown>>, components: SchemaComponents): JsonSchema {
  return Object.fromEntries(Object.entries(members).map(([name, member]) => [name, mapValue(member, components)]));
}

/** TypeBox says of a map that every name fits a pattern; JSON Schema has a shorter way. */
function namesOf(patterns: Readonly<Record<string, unknown>>, components: SchemaComponents): JsonSchema {
  const { '^(.*)$': any, ...others } = patterns;
  return {
    ...(any === undefined ? {} : { additionalProperties: mapValue(any, components) }),
    ...(Object.keys(others).length === 0 ? {} : { patternProperties: mapMembers(others, components) }),
  };
}

/** Our own formats (checked by code of ours) as the formats that tools know. */
function formatOf(format: unknown): JsonSchema {
  return format === 'ip' ? { anyOf: [{ format: 'ipv4' }, { format: 'ipv6' }] } : { format };
}

/** A choice of constants is an enumeration to people. */
function asEnumeration(schema: Record<string, unknown>): JsonSchema {
  const { anyOf, ...rest } = schema;
  if (!Array.isArray(anyOf)) return schema;
  const constants = anyOf.map((choice: unknown) => (isObject(choice) ? choice['const'] : undefined));
  return constants.every((constant) => typeof constant === 'string')
    ? { ...rest, type: 'string', enum: constants }
    : schema;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
