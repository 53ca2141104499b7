/** Strings, brackets and colons of a JSON text, the rest of which is of no interest here. */
const tokens = /"(?:[^"\\]|\\.)*"|[[\]{}:]/gs;

/**
 * Where in a JSON document the second of two equal keys of one object begins, in UTF-16 units from 0; undefined when there is none. Slow: for the message
 * about a document that is known to have one.
 */
export function positionOfRepeatedKey(text: string): number | undefined {
  const open: Set<string>[] = [];
  let last: { readonly text: string; readonly at: number } | undefined;
  for (const { 0: token, index } of text.matchAll(tokens)) {
    if (token === '{' || token === '[') open.push(new Set());
    else if (token === '}' || token === ']') open.pop();
    else if (token !== ':') last = { text: token, at: index };
    else if (last !== undefined) {
      const key = String(JSON.parse(last.text));
      const keys = open.at(-1);
      if (keys?.has(key) === true) return last.at;
      keys?.add(key);
    }
  }
  return undefined;
}
