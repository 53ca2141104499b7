/** JSON text with object keys sorted by UTF-16 code units and no white space (after RFC 8785 §3.2.3). */
export function canonicalJson(value: unknown): string {
  // Without an object there is nothing to sort, and JSON.stringify alone is several times faster.
  if (!holdsObject(value)) return JSON.stringify(value);
  return JSON.stringify(value, (_key, inner: unknown) => (isPlainObject(inner) ? sorted(inner) : inner));
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function holdsObject(value: unknown): boolean {
  return Array.isArray(value) ? value.some(holdsObject) : isPlainObject(value);
}

function sorted(object: Record<string, unknown>): Record<string, unknown> {
  const copy: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const key of Object.keys(object).sort()) copy[key] = object[key];
  return copy;
}
