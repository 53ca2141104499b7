/**
 * How many code points the UTF-8 at `from` holds, or −1 when it is not UTF-8: the Unicode Standard's table 3-7, so no
 * surrogates, no overlong forms, nothing above U+10FFFF.
 */
export function utf8Characters(view: DataView, from: number, length: number): number {
  const end = from + length;
  let count = 0;
  for (let at = from; at < end; count += 1) {
    const lead = view.getUint8(at);
    if (lead < 0x80) {
      at += 1;
      continue;
    }
    const size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead < 0xc2 || lead > 0xf4 || at + size > end) return -1;
    const second = view.getUint8(at + 1);
    const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    if (second < lowest || second > highest) return -1;
    if (size > 2 && (view.getUint8(at + 2) & 0xc0) !== 0x80) return -1;
    if (size > 3 && (view.getUint8(at + 3) & 0xc0) !== 0x80) return -1;
    at += size;
  }
  return count;
}
