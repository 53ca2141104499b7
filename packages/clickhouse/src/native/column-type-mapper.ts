/** The column types that a block can carry. `null` in arrays only. */
export type NativeType =
  | { readonly kind: 'String' | 'UUID' | 'UInt16' | 'UInt32' | 'UInt64' | 'DateTime64' }
  | { readonly kind: 'FixedString'; readonly bytes: number }
  | { readonly kind: 'Enum8'; readonly values: ReadonlyMap<string, number> }
  | { readonly kind: 'Nullable'; readonly of: NativeType }
  | { readonly kind: 'Array'; readonly of: NativeType }
  | { readonly kind: 'Map'; readonly key: NativeType; readonly value: NativeType };

/**
 * The type in which a column of a table is sent: LowCardinality is left out, because its Native form (dictionaries) costs
 * more to write than the INSERT SELECT's conversion.
 */
export function wireTypeOf(type: string): string {
  const marker = 'LowCardinality(';
  const start = type.indexOf(marker);
  if (start < 0) return type;
  const inner = start + marker.length;
  const end = closingParenthesis(type, inner);
  return wireTypeOf(type.slice(0, start) + type.slice(inner, end) + type.slice(end + 1));
}

/** Parses a wire type. Throws on a type that the builder does not know: a programming error, found at start. */
export function parseNativeType(type: string): NativeType {
  const open = type.indexOf('(');
  const name = open < 0 ? type : type.slice(0, open);
  const inside = open < 0 ? '' : type.slice(open + 1, closingParenthesis(type, open + 1));
  switch (name) {
    case 'String':
    case 'UUID':
    case 'UInt16':
    case 'UInt32':
    case 'UInt64':
    case 'DateTime64':
      return { kind: name };
    case 'FixedString':
      return { kind: 'FixedString', bytes: Number.parseInt(inside, 10) };
    case 'Enum8':
      return { kind: 'Enum8', values: parseEnumValues(inside) };
    case 'Nullable':
      return { kind: 'Nullable', of: parseNativeType(inside) };
    case 'Array':
      return { kind: 'Array', of: parseNativeType(inside) };
    case 'Map': {
      const comma = topLevelComma(inside);
      return {
        kind: 'Map',
        key: parseNativeType(inside.slice(0, comma).trim()),
        value: parseNativeType(inside.slice(comma + 1).trim()),
      };
    }
    default:
      throw new Error(`column type ${type} has no Native writer`);
  }
}

function parseEnumValues(inside: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const [, name, value] of inside.matchAll(/'([^']*)'\s*=\s*(-?\d+)/g)) {
    if (name !== undefined && value !== undefined) values.set(name, Number(value));
  }
  return values;
}

function closingParenthesis(text: string, from: number): number {
  let depth = 1;
  for (let i = from; i < text.length; i++) {
    if (text[i] === '(') depth++;
    if (text[i] === ')' && --depth === 0) return i;
  }
  throw new Error(`column type ${text} has an open parenthesis`);
}

function topLevelComma(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++;
    if (text[i] === ')') depth--;
    if (text[i] === ',' && depth === 0) return i;
  }
  throw new Error(`Map(${text}) names one type`);
}
