import { membersByPath } from '@docket/event';
import { tableOf } from '../repair/table-mapper.ts';
import type { Json } from './api-client.ts';
import { textOf } from './event-line-mapper.ts';

export interface Column {
  readonly heading: string;
  readonly cell: (item: Json) => string;
}

export const column = (heading: string, member: string): Column => ({ heading, cell: (item) => textOf(item[member]) });

/** A list: a table for people, or with --json an object a line. */
export async function printList(
  print: (line: string) => void,
  items: AsyncIterable<Json>,
  columns: readonly Column[],
  isJson: boolean,
): Promise<void> {
  const rows: string[][] = [];
  for await (const item of items) {
    if (isJson) print(JSON.stringify(item));
    else rows.push(columns.map(({ cell }) => cell(item)));
  }
  if (isJson) return;
  const heading = columns.map((one) => one.heading);
  tableOf(heading, rows, rows.length).forEach((line) => print(line));
}

/** One object: a member a line for people, members of members by their path, or with --json as it is. */
export function printObject(print: (line: string) => void, object: Json, isJson: boolean): void {
  if (isJson) return print(JSON.stringify(object));
  const members = membersByPath(object);
  const width = Math.max(0, ...members.map(([name]) => name.length));
  for (const [name, value] of members) print(`${name.padEnd(width)}  ${textOf(value)}`.trimEnd());
}
