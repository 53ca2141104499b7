import type { SettingDeclarations } from './read-settings.ts';

/** One row of the table of settings. */
export interface SettingRow {
  readonly env: string;
  readonly type: string;
  readonly unit: string;
  /** As one would write it in the environment; `required` when there is none; never a secret. */
  readonly default: string;
  readonly accepts: string;
  readonly secret: boolean;
  readonly description: string;
}

/** Gives the rows of a generated table of settings, ordered by name; two declarations of one variable give one row. */
export function describeSettings(declarations: SettingDeclarations): SettingRow[] {
  const rows = new Map<string, SettingRow>();
  for (const declaration of Object.values(declarations)) {
    rows.set(declaration.env, {
      env: declaration.env,
      type: declaration.type,
      unit: declaration.unit ?? '',
      default: 'default' in declaration ? shownDefault(declaration.default, declaration.secret) : 'required',
      accepts: declaration.accepts,
      secret: declaration.secret,
      description: declaration.description,
    });
  }
  return [...rows.values()].toSorted((a, b) => (a.env < b.env ? -1 : 1));
}

function shownDefault(value: unknown, secret: boolean): string {
  if (value === '' || (Array.isArray(value) && value.length === 0)) return 'empty';
  if (secret) return 'not shown';
  return Array.isArray(value) ? value.join(',') : String(value);
}
