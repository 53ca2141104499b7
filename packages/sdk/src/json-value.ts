/** What JSON.stringify writes for a value: what its toJSON gives for the key, where it has one. Throws what that throws. */
export function jsonValueOf<T>(value: T, key: string): T {
  if (typeof value !== 'object' || value === null) return value;
  const toJSON: unknown = Reflect.get(value, 'toJSON');
  return typeof toJSON === 'function' ? toJSON.call(value, key) : value;
}

/** The fields of such a value: JSON has no functions, and a toJSON that stayed would speak a second time. */
export function jsonFieldsOf(value: object): [string, unknown][] {
  return Object.entries(value).filter(([, field]) => typeof field !== 'function');
}
