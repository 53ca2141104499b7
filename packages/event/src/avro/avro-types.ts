import avro from 'avsc';

/** avsc's own reading of a schema, with names and references resolved. */
export type AvroType = avro.Type;

/** Throws on what is no Avro schema. */
export function avroTypeOf(schema: unknown): AvroType {
  return avro.Type.forSchema(schema as avro.Schema);
}

export const isRecord = (type: AvroType): type is avro.types.RecordType => type instanceof avro.types.RecordType;
export const isArray = (type: AvroType): type is avro.types.ArrayType => type instanceof avro.types.ArrayType;
export const isEnum = (type: AvroType): type is avro.types.EnumType => type instanceof avro.types.EnumType;
export const isFixed = (type: AvroType): type is avro.types.FixedType => type instanceof avro.types.FixedType;

export function isMap(type: AvroType): type is AvroType & { readonly valuesType: AvroType } {
  return type instanceof avro.types.MapType;
}

export function isUnion(type: AvroType): type is AvroType & { readonly types: readonly AvroType[] } {
  return type instanceof avro.types.UnwrappedUnionType || type instanceof avro.types.WrappedUnionType;
}

/** Whether bytes of the one schema are bytes of the other: same types, names, fields and symbols in the same order. */
export function isSameLayout(one: AvroType, other: AvroType): boolean {
  return JSON.stringify(one.schema()) === JSON.stringify(other.schema());
}
