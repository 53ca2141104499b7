/** What every declaration says, whatever its type. `Value` is what the service gets. */
export interface SettingDeclaration<Value> {
  readonly env: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'url' | 'list' | 'one of';
  readonly description: string;
  readonly unit?: string;
  /** Without a default the setting is required. A default is taken as it is: `''` may stand for "off" although `min` is 32. */
  readonly default?: Value;
  /** A secret's value is printed nowhere: not in problems, not in tables, not in logs. */
  readonly secret: boolean;
  /** What is accepted, in words, for problems and for the table of settings. */
  readonly accepts: string;
  readonly parse: (text: string) => ParsedSetting<Value>;
}

export type ParsedSetting<Value> = { ok: true; value: Value } | { ok: false; problem: string; remedy: string };

interface Common<Value> {
  /** Name of the environment variable. */
  env: string;
  description: string;
  unit?: string;
  default?: Value;
  secret?: boolean;
  /** A rule of its own: what is wrong with the value, or undefined. It must not repeat a secret. */
  check?: (value: Value) => string | undefined;
}

interface StringOptions extends Common<string> {
  /** Length in characters. */
  min?: number;
  max?: number;
  pattern?: RegExp;
}

interface IntegerOptions extends Common<number> {
  min?: number;
  max?: number;
}

interface UrlOptions extends Common<string> {
  /** Default: http and https. Without colons. */
  protocols?: readonly string[];
}

interface ListOptions extends Common<readonly string[]> {
  /** Number of items. */
  min?: number;
  pattern?: RegExp;
}

interface OneOfOptions<Choice extends string> extends Common<Choice> {
  values: readonly Choice[];
}

function bounds(min: number | undefined, max: number | undefined): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (min !== undefined) return ` of at least ${min}`;
  return max === undefined ? '' : ` of at most ${max}`;
}

const wrong = (problem: string, remedy: string): { ok: false; problem: string; remedy: string } => ({
  ok: false,
  problem,
  remedy,
});

/** Problems name the value so that the operator recognises it, except where it is, or may hold, a secret. */
function shown(text: string, secret: boolean): string {
  if (secret) return 'its value (not shown)';
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}

function declare<Value>(
  type: SettingDeclaration<Value>['type'],
  options: Common<Value>,
  accepts: string,
  read: (text: string) => ParsedSetting<Value>,
): SettingDeclaration<Value> {
  const parse = (text: string): ParsedSetting<Value> => {
    const parsed = read(text);
    if (!parsed.ok || options.check === undefined) return parsed;
    const problem = options.check(parsed.value);
    return problem === undefined ? parsed : wrong(problem, `set ${options.env} to ${accepts}`);
  };
  return {
    env: options.env,
    type,
    description: options.description,
    secret: options.secret ?? false,
    accepts,
    parse,
    ...(options.unit === undefined ? {} : { unit: options.unit }),
    ...(options.default === undefined ? {} : { default: options.default }),
  };
}

function string(options: StringOptions): SettingDeclaration<string> {
  const { env, min = 1, max = 4096, pattern, secret = false } = options;
  const accepts = `a text${bounds(min, max)} characters${pattern === undefined ? '' : ` that matches ${pattern.source}`}`;
  return declare('string', options, accepts, (text) => {
    if (text.length < min || text.length > max)
      return wrong(`has ${text.length} characters`, `set ${env} to ${accepts}`);
    if (pattern !== undefined && !pattern.test(text)) {
      return wrong(`${shown(text, secret)} does not match ${pattern.source}`, `set ${env} to ${accepts}`);
    }
    return { ok: true, value: text };
  });
}

function integer(options: IntegerOptions): SettingDeclaration<number> {
  const { env, min, max, secret = false } = options;
  const accepts = `a whole number${bounds(min, max)}${options.unit === undefined ? '' : ` (${options.unit})`}`;
  return declare('integer', options, accepts, (text) => {
    const value = Number(text);
    if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) {
      return wrong(`${shown(text, secret)} is not a whole number`, `set ${env} to ${accepts}`);
    }
    if ((min !== undefined && value < min) || (max !== undefined && value > max)) {
      return wrong(`${shown(text, secret)} is out of range`, `set ${env} to ${accepts}`);
    }
    return { ok: true, value };
  });
}

function boolean(options: Common<boolean>): SettingDeclaration<boolean> {
  return declare('boolean', options, 'true or false', (text) => {
    if (text === 'true' || text === '1') return { ok: true, value: true };
    if (text === 'false' || text === '0') return { ok: true, value: false };
    return wrong(
      `${shown(text, options.secret ?? false)} is neither true nor false`,
      `set ${options.env} to true or false`,
    );
  });
}

function url(options: UrlOptions): SettingDeclaration<string> {
  const protocols = options.protocols ?? ['http', 'https'];
  const accepts = `an absolute URL that begins with ${protocols.map((name) => `${name}://`).join(' or ')}`;
  return declare('url', options, accepts, (text) => {
    // A URL may carry a password, so a bad one is never repeated.
    if (!URL.canParse(text)) return wrong('is not an absolute URL', `set ${options.env} to ${accepts}`);
    const { protocol } = new URL(text);
    if (!protocols.includes(protocol.slice(0, -1))) {
      return wrong(`begins with ${protocol}`, `set ${options.env} to ${accepts}`);
    }
    return { ok: true, value: text.replace(/\/+$/, '') };
  });
}

function list(options: ListOptions): SettingDeclaration<readonly string[]> {
  const { env, min = 1, pattern, secret = false } = options;
  const accepts = `a comma-separated list of at least ${min}${pattern === undefined ? '' : `, each matching ${pattern.source}`}`;
  return declare('list', options, accepts, (text) => {
    const items = text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
    if (items.length < min) return wrong(`names ${items.length}`, `set ${env} to ${accepts}`);
    const bad = pattern === undefined ? undefined : items.find((item) => !pattern.test(item));
    if (bad !== undefined) return wrong(`${shown(bad, secret)} does not fit`, `set ${env} to ${accepts}`);
    return { ok: true, value: items };
  });
}

function oneOf<const Choice extends string>(options: OneOfOptions<Choice>): SettingDeclaration<Choice> {
  const accepts = `one of ${options.values.join(', ')}`;
  return declare('one of', options, accepts, (text) => {
    const value = options.values.find((choice) => choice === text);
    if (value !== undefined) return { ok: true, value };
    return wrong(`${shown(text, options.secret ?? false)} is not ${accepts}`, `set ${options.env} to ${accepts}`);
  });
}

/**
 * Declares settings, each once: `{ httpPort: setting.integer({ env: 'HTTP_PORT', description: '…', min: 0, max: 65535, default: 8080 }) }`.
 * A declaration does nothing by itself; `readSettings` reads, `describeSettings` documents.
 */
export const setting = { string, integer, boolean, url, list, oneOf };
