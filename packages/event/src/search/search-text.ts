import type { AuditEvent } from '../audit-event.ts';

/**
 * Free words mean here what ClickHouse's tokenizer splitByNonAlpha makes of lower(…): a token is a run of ASCII letters and
 * digits and of bytes beyond ASCII; only ASCII letters are folded. A character beyond ASCII is beyond it in all its bytes,
 * so UTF-16 units are split as its bytes would be.
 */
function isTokenUnit(unit: number): boolean {
  return (
    unit >= 0x80 || (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x30 && unit <= 0x39) || (unit >= 0x41 && unit <= 0x5a)
  );
}

const beyondAscii = /\P{ASCII}/u;

function lowerAscii(text: string): string {
  return beyondAscii.test(text) ? text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text.toLowerCase();
}

/** The tokens of a text, folded, each once, in order of appearance. */
export function tokensOf(text: string): string[] {
  const folded = lowerAscii(text);
  const tokens = new Set<string>();
  let from = 0;
  for (let at = 0; at <= folded.length; at += 1) {
    if (at < folded.length && isTokenUnit(folded.charCodeAt(at))) continue;
    if (at > from) tokens.add(folded.slice(from, at));
    from = at + 1;
  }
  return [...tokens];
}

/** What free words are looked for in: the column search_text of audit_events. */
export function searchTextOf({ action, actor, resources, description }: AuditEvent): string {
  let names = '';
  let ids = '';
  for (const resource of resources) {
    names += ` ${resource.name}`;
    ids += ` ${resource.id}`;
  }
  return lowerAscii(`${action} ${actor.name} ${actor.id}${names}${ids} ${description}`);
}

/** Whether a token stands in a folded text as a whole. */
export function holdsToken(text: string, token: string): boolean {
  for (let at = text.indexOf(token); at >= 0; at = text.indexOf(token, at + 1)) {
    const end = at + token.length;
    const beginsThere = at === 0 || !isTokenUnit(text.charCodeAt(at - 1));
    if (beginsThere && (end === text.length || !isTokenUnit(text.charCodeAt(end)))) return true;
  }
  return false;
}
