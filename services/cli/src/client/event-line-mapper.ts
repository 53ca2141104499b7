import { jsonOf, type Json } from './api-client.ts';

export const eventHeading = ['TIME', 'ACTION', 'ACTOR', 'RESOURCE', 'OUTCOME', 'IP', 'ID'] as const;

/** One event as the cells of a table. */
export function eventCells(event: Json): string[] {
  const resources: unknown = event['resources'];
  const resource = jsonOf(Array.isArray(resources) ? resources[0] : undefined);
  return [
    textOf(event['occurred_at']),
    textOf(event['action']),
    namedOf(jsonOf(event['actor'])),
    namedOf(resource),
    textOf(event['outcome']),
    textOf(jsonOf(event['context'])['ip']),
    textOf(event['id']),
  ];
}

/** `type:id`, and the name in parentheses. */
function namedOf(member: Json): string {
  if (member['id'] === undefined) return '';
  const name = member['name'] === undefined ? '' : ` (${textOf(member['name'])})`;
  return `${textOf(member['type'])}:${textOf(member['id'])}${name}`;
}

/** One line, whatever an event says: what would move a terminal's cursor is shown as its code. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.replaceAll(/\p{C}/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
