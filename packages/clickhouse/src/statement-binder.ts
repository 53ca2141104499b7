/** A statement and the values of its parameters: no value of a caller ever stands in the text. */
export interface Statement {
  readonly sql: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Collects the values of one statement. */
export interface Binder {
  readonly params: Readonly<Record<string, unknown>>;
  /** Gives the placeholder of a value; `type` is ClickHouse's and never comes from a caller. */
  bind(type: string, value: unknown): string;
}

export function createBinder(): Binder {
  const params: Record<string, unknown> = {};
  return {
    params,
    bind(type, value) {
      const name = `p${Object.keys(params).length}`;
      params[name] = value;
      return `{${name}:${type}}`;
    },
  };
}

/** A time in µs since the epoch, as a DateTime64(6). */
export function timeSql(micros: number, binder: Binder): string {
  return `fromUnixTimestamp64Micro(${binder.bind('Int64', micros)}, 'UTC')`;
}
