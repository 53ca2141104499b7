/** Finds which of some short names stands in bytes; −1 where it is none of them. */
export type NameTable = (bytes: Uint8Array, from: number, to: number) => number;

const slots = 256;
const seedMax = 10_000;

/** A table in which no two names share a place, so that one comparison decides. Throws a RangeError for names of which it finds none: a mistake at start. */
export function createNameTable(names: readonly string[]): NameTable {
  const texts = names.map((name) => Buffer.from(name));
  for (let seed = 1; seed < seedMax; seed += 1) {
    const places = new Int8Array(slots).fill(-1);
    const isPerfect = texts.every((text, index) => {
      const place = placeOf(text, 0, text.length, seed);
      if (places[place] !== -1) return false;
      places[place] = index;
      return true;
    });
    if (isPerfect) return tableOf(texts, places, seed);
  }
  throw new RangeError(`no table for ${names.join(', ')}`);
}

function tableOf(texts: readonly Buffer[], places: Int8Array, seed: number): NameTable {
  return (bytes, from, to) => {
    const index = from === to ? -1 : (places[placeOf(bytes, from, to, seed)] ?? -1);
    const text = texts[index];
    if (text === undefined || text.length !== to - from) return -1;
    for (let offset = 0; offset < text.length; offset += 1) if (text[offset] !== bytes[from + offset]) return -1;
    return index;
  };
}

/** By length and three bytes: the names of an event differ there. */
function placeOf(bytes: Uint8Array, from: number, to: number, seed: number): number {
  const [first, middle, last] = [bytes[from] ?? 0, bytes[(from + to) >> 1] ?? 0, bytes[to - 1] ?? 0];
  const mixed =
    Math.imul(first + seed, 0x9e3779b1) ^ Math.imul(middle + (to - from) * seed, 0x85ebca6b) ^ (last * seed);
  return ((mixed >>> 16) ^ mixed) & (slots - 1);
}
