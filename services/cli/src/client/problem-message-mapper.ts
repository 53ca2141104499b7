import { errorCatalogue, type ErrorEntry } from '@docket/runtime';

/** What a failed answer says, for people: the code, what failed, each wrong field, and what to do. */
export function messageOfProblem(status: number, text: string): string {
  const problem = parsed(text);
  const { code, detail, errors, request_id: requestId } = problem;
  if (typeof code !== 'string') return `status ${status}, from something that is no Docket: ${text.slice(0, 200)}`;
  const fields = (Array.isArray(errors) ? errors : []).map((error: unknown) => `  ${fieldLine(error)}`);
  const help = entryOfProblem(text)?.help;
  return [
    `${String(detail)} (${status} ${code}, request ${String(requestId)})`,
    ...fields,
    ...(help === undefined ? [] : [`  ${help}`]),
  ].join('\n');
}

/** What the catalogue says of a failed answer's code; undefined: something that is no Docket has answered. */
export function entryOfProblem(text: string): ErrorEntry | undefined {
  const { code } = parsed(text);
  return Object.entries(errorCatalogue).find(([known]) => known === code)?.[1];
}

function fieldLine(error: unknown): string {
  const { detail, ...place } = membersOf(error);
  const where = [place['pointer'], place['parameter'], place['header']].find((name) => typeof name === 'string');
  return `${where ?? ''} ${String(detail)}`;
}

function parsed(text: string): Record<string, unknown> {
  try {
    return membersOf(JSON.parse(text));
  } catch {
    return {};
  }
}

function membersOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
