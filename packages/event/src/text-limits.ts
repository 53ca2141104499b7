/**
 * How long a text is: limits written as plain numbers count characters (Unicode code points, as JSON Schema does),
 * limits written in KiB count UTF-8 bytes.
 */
export function characterCount(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    const isHighSurrogate = unit >= 0xd800 && unit < 0xdc00;
    if (isHighSurrogate && i + 1 < text.length) i += 1;
    count += 1;
  }
  return count;
}

/** False for a text with a lone surrogate: it has no UTF-8 form and would change on its way. */
export function isWellFormed(text: string): boolean {
  return text.isWellFormed();
}

/** The first `units` UTF-16 units of a text, without half of a character at the end. */
export function cutText(text: string, units: number): string {
  const cut = text.slice(0, units);
  return isWellFormed(cut)
    ? cut
    : Buffer.from(cut)
        .toString('utf8')
        .replace(/\uFFFD$/u, '');
}

/** As much of a text as its UTF-8 form has room for, whole characters only. */
export function cutBytes(text: string, bytesMax: number): string {
  if (text.length * 3 <= bytesMax) return text;
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(bytesMax));
  return text.slice(0, read);
}
