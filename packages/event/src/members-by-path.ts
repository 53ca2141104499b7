import { isPlainObject } from './canonical-json.ts';

/** The members of an object, of those that are objects their members, each under the path of names with dots that leads to it. */
export function membersByPath(members: object, prefix = ''): [string, unknown][] {
  return Object.entries(members).flatMap(([name, value]: [string, unknown]): [string, unknown][] =>
    isPlainObject(value) ? membersByPath(value, `${prefix}${name}.`) : [[`${prefix}${name}`, value]],
  );
}
