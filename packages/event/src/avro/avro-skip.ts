import {
  malformed,
  nested,
  readBlocks,
  readBytes,
  readIndex,
  readInt,
  readLong,
  readText,
  take,
  type AvroCursor,
} from './avro-cursor.ts';
import { isArray, isEnum, isFixed, isMap, isRecord, isUnion, type AvroType } from './avro-types.ts';

/** Passes over one value, whose bytes it checks like those of a value that is kept. */
export type Skip = (cursor: AvroCursor) => void;

const primitives: Readonly<Record<string, Skip>> = {
  null: () => undefined,
  boolean(cursor) {
    if (cursor.view.getUint8(take(cursor, 1)) > 1) throw malformed(cursor, 'a boolean is neither 0 nor 1');
  },
  int: (cursor) => void readInt(cursor),
  long: (cursor) => void readLong(cursor),
  float: (cursor) => void take(cursor, 4),
  double: (cursor) => void take(cursor, 8),
  bytes: (cursor) => void readBytes(cursor),
  string: (cursor) => void readText(cursor),
};

/** How a value of `writer` is passed over: for fields that the reader does not have. Schemas may be recursive. */
export function skipOf(writer: AvroType, known: Map<AvroType, Skip> = new Map()): Skip {
  const primitive = primitives[writer.typeName];
  if (primitive !== undefined) return primitive;
  const found = known.get(writer);
  if (found !== undefined) return found;
  let skip: Skip = () => {
    throw new Error('a schema is used before it is compiled');
  };
  known.set(writer, (cursor) => nested(cursor, () => skip(cursor)));
  skip = complexSkipOf(writer, (inner) => skipOf(inner, known));
  return known.get(writer) ?? skip;
}

function complexSkipOf(writer: AvroType, of: (inner: AvroType) => Skip): Skip {
  if (isRecord(writer)) {
    const fields = writer.fields.map((field) => of(field.type));
    return (cursor) => fields.forEach((skip) => skip(cursor));
  }
  if (isArray(writer)) {
    const skipItem = of(writer.itemsType);
    return (cursor) => void readBlocks(cursor, () => skipItem(cursor));
  }
  if (isMap(writer)) {
    const skipValue = of(writer.valuesType);
    return (cursor) =>
      void readBlocks(cursor, () => {
        readText(cursor);
        skipValue(cursor);
      });
  }
  if (isUnion(writer)) {
    const branches = writer.types.map(of);
    return (cursor) => branches[readIndex(cursor, branches.length, 'union branch')]?.(cursor);
  }
  if (isEnum(writer)) return (cursor) => void readIndex(cursor, writer.symbols.length, 'enum symbol');
  if (isFixed(writer)) return (cursor) => void take(cursor, writer.size);
  throw new Error(`a value of type ${writer.typeName} cannot be passed over`);
}
