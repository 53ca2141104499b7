/** What is kept and shown of an answer. */
const charactersMax = 512;
/** Shorter ones are no secrets, and would be found in any text. */
const hiddenCharactersMin = 4;
const standIn = '(secret)';

/**
 * The beginning of an answer, at most 512 characters, in which `(secret)` stands for each of the texts that are to be hidden, whole or in part: one that begins in it may
 * end behind it. What stands for a secret is not searched itself. However long the answer is, only what is shown is searched, and where what is hidden there
 * ends (I7): of a crafted secret each character is compared with all of it.
 */
export function answerExcerpt(text: string, hidden: readonly string[]): string {
  const longestFirst = [...new Set(hidden)]
    .filter(({ length }) => length >= hiddenCharactersMin)
    .toSorted((one, other) => other.length - one.length);
  const [longest] = longestFirst;
  if (longest === undefined) return text.slice(0, charactersMax);
  const pattern = new RegExp(longestFirst.map((form) => form.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'));
  let shown = '';
  let at = 0;
  // Each round but the last shows a stand-in, so there are few.
  while (shown.length < charactersMax) {
    const room = charactersMax - shown.length;
    const near = text.slice(at, at + room + longest.length - 1);
    const found = pattern.exec(near);
    if (found === null || found.index >= room) return shown + near.slice(0, room);
    shown += near.slice(0, found.index) + standIn;
    at += found.index + found[0].length;
  }
  return shown.slice(0, charactersMax);
}
