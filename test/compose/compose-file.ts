import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export interface ComposeService {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly volumes?: readonly string[];
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

export const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url));
export const composeText = readFileSync(`${repositoryRoot}/docker-compose.yml`, 'utf8');

/** docker-compose.yml with its merge keys resolved, as a plain document. */
export function readComposeDocument(): unknown {
  return parse(composeText, { merge: true });
}

/** The same with variables filled in as compose does it. The schema test has shown that it has this shape. */
export function readCompose(variables: Readonly<Record<string, string>>): ComposeFile {
  const document = readComposeDocument() as ComposeFile;
  return JSON.parse(JSON.stringify(document), (_, value: unknown) =>
    typeof value === 'string' ? interpolate(value, variables) : value,
  ) as ComposeFile;
}

/** `$NAME` is not used in the file; `${NAME}`, `${NAME:-default}`, `${NAME:?message}` and `$$` are what compose knows them as. */
export function interpolate(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replaceAll(
    /\$(?:\$|\{(\w+)(?::([-?])([^}]*))?\})/g,
    (match, name: string | undefined, operator, rest) => {
      if (name === undefined) return '$';
      const value = variables[name] ?? '';
      if (value !== '') return value;
      if (operator === '?') throw new Error(`${match}: ${String(rest)}`);
      return operator === '-' ? String(rest) : '';
    },
  );
}

/** Names of the services that run our image. */
export function docketServices(compose: ComposeFile): string[] {
  return Object.entries(compose.services)
    .filter(([, service]) => service.image.startsWith('docket:'))
    .map(([name]) => name);
}
