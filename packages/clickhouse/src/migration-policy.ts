import { createHash } from 'node:crypto';

/** One forward-only file: `NNNNNN_name.sql`. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  /** SHA-256 of the file, hex. */
  readonly checksum: string;
  readonly statements: readonly string[];
}

export interface AppliedMigration {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
}

const fileName = /^(\d{6})_([a-z0-9_]+)\.sql$/;

/**
 * Every statement must do nothing the second time, because two runners may carry out the same file at once and ClickHouse
 * has neither advisory locks nor transactional DDL.
 */
const repeatable = [
  /^CREATE (TABLE|VIEW|MATERIALIZED VIEW|DICTIONARY|FUNCTION) IF NOT EXISTS /i,
  /^CREATE OR REPLACE (VIEW|DICTIONARY|FUNCTION) /i,
  /^ALTER TABLE \S+ (ADD|DROP) (COLUMN|INDEX|PROJECTION|CONSTRAINT) IF (NOT )?EXISTS /i,
  /^ALTER TABLE \S+ (MODIFY|RESET) (COLUMN|SETTING|TTL|COMMENT|QUERY) /i,
  /^DROP (TABLE|VIEW|DICTIONARY|FUNCTION) IF EXISTS /i,
];

/** Parses one file. Throws when its name or a statement breaks the rules: a mistake of whoever wrote it. */
export function parseMigration(file: string, text: string): Migration {
  const [, version, name] = fileName.exec(file) ?? [];
  if (version === undefined || name === undefined) throw new Error(`${file} is not named NNNNNN_name.sql`);
  const statements = splitStatements(text);
  if (statements.length === 0) throw new Error(`${file} has no statement`);
  for (const statement of statements) {
    const oneLine = statement.replaceAll(/\s+/g, ' ');
    if (!repeatable.some((pattern) => pattern.test(oneLine))) {
      throw new Error(`${file}: write "${oneLine.slice(0, 60)}…" so that it can run twice (IF NOT EXISTS, OR REPLACE)`);
    }
  }
  return { version: Number(version), name, checksum: createHash('sha256').update(text).digest('hex'), statements };
}

/** Statements end with a semicolon at the end of a line; lines of comment are left out. */
export function splitStatements(text: string): string[] {
  return text
    .replaceAll(/^[ \t]*--.*$/gm, '')
    .split(/;[ \t]*(?:\r?\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

/** Puts files in order. Throws on two files of one number. */
export function orderMigrations(migrations: readonly Migration[]): Migration[] {
  const ordered = migrations.toSorted((a, b) => a.version - b.version);
  for (const [index, migration] of ordered.entries()) {
    const before = ordered[index - 1];
    if (before?.version === migration.version)
      throw new Error(`${before.name} and ${migration.name} are both number ${migration.version}`);
  }
  return ordered;
}

export type MigrationPlan =
  | {
      readonly ok: true;
      readonly pending: readonly Migration[];
      /** Applied by a newer release. */ readonly unknown: readonly AppliedMigration[];
    }
  | { readonly ok: false; readonly problem: string };

/** What is left to do. Refuses when an applied file has changed since, or when a new file comes before an applied one. */
export function planMigrations(files: readonly Migration[], applied: readonly AppliedMigration[]): MigrationPlan {
  const known = new Map(files.map((file) => [file.version, file]));
  for (const done of applied) {
    const file = known.get(done.version);
    if (file !== undefined && file.checksum !== done.checksum) {
      return {
        ok: false,
        problem:
          `migration ${sixDigits(done.version)}_${done.name} was applied with another text (${done.checksum.slice(0, 12)}, ` +
          `here ${file.checksum.slice(0, 12)}): restore the file and put the change into a new one`,
      };
    }
  }
  const doneVersions = new Set(applied.map(({ version }) => version));
  const last = Math.max(0, ...files.filter(({ version }) => doneVersions.has(version)).map(({ version }) => version));
  const pending = files.filter(({ version }) => !doneVersions.has(version));
  const late = pending.find(({ version }) => version < last);
  if (late !== undefined) {
    return {
      ok: false,
      problem: `migration ${sixDigits(late.version)}_${late.name} comes before ${sixDigits(last)}, which is applied: number it higher`,
    };
  }
  return { ok: true, pending, unknown: applied.filter(({ version }) => !known.has(version)) };
}

function sixDigits(version: number): string {
  return String(version).padStart(6, '0');
}
