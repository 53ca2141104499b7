import type { SettingDeclaration } from './declare-setting.ts';

export type SettingDeclarations = Readonly<Record<string, SettingDeclaration<unknown>>>;

/** The configuration that a set of declarations yields: same keys, parsed values. */
export type SettingsOf<Declarations> = {
  readonly [Key in keyof Declarations]: Declarations[Key] extends SettingDeclaration<infer Value> ? Value : never;
};

export interface SettingProblem {
  readonly env: string;
  readonly problem: string;
  readonly remedy: string;
}

/** Every wrong or missing setting at once, each with what to do. Holds no secret. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly problems: readonly SettingProblem[];

  constructor(problems: readonly SettingProblem[]) {
    const lines = problems.map(({ env, problem, remedy }) => `  ${env} ${problem}: ${remedy}`);
    super(`${problems.length === 1 ? 'A setting is' : `${problems.length} settings are`} wrong:\n${lines.join('\n')}`);
    this.problems = problems;
  }
}

/**
 * Reads all declared settings from an environment. A variable that is empty counts as not set, because compose and charts pass empty ones.
 * Throws one SettingsError that names every problem; reads nothing else from the environment.
 */
export function readSettings<const Declarations extends SettingDeclarations>(
  declarations: Declarations,
  env: Readonly<Record<string, string | undefined>>,
): SettingsOf<Declarations> {
  const problems: SettingProblem[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, declaration] of Object.entries(declarations)) {
    const text = env[declaration.env]?.trim();
    if (text === undefined || text === '') {
      if ('default' in declaration) values[key] = declaration.default;
      else problems.push(missing(declaration));
      continue;
    }
    const parsed = declaration.parse(text);
    if (parsed.ok) values[key] = parsed.value;
    else problems.push({ env: declaration.env, problem: parsed.problem, remedy: parsed.remedy });
  }
  if (problems.length > 0) throw new SettingsError(problems);
  // This is the parser: each value came from its own declaration's default or parse.
  return values as SettingsOf<Declarations>;
}

function missing(declaration: SettingDeclaration<unknown>): SettingProblem {
  return {
    env: declaration.env,
    problem: 'is not set and has no default',
    remedy: `set it to ${declaration.accepts} (${declaration.description})`,
  };
}
