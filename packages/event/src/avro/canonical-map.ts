import type { ByteSink } from '../columns/byte-sink.ts';
import { putLong, putRange } from './avro-output.ts';

/** An entry of a map: where its key's text lies, and where the whole entry. */
interface Entry {
  readonly keyFrom: number;
  readonly keyTo: number;
  readonly from: number;
  readonly to: number;
}

const protoKey = Buffer.from('__proto__');

/**
 * Writes a map as one block with its keys in ascending order of their bytes. `entries` holds keys and values in canonical
 * form, `ends` where each entry ends. Throws when a key comes twice or is `__proto__`: an object would lose it silently.
 */
export function putCanonicalMap(entries: Buffer, ends: readonly number[], out: ByteSink): void {
  const found = ends.map((to, index) => entryAt(entries, ends[index - 1] ?? 0, to));
  const compare = (a: Entry, b: Entry): number => entries.compare(entries, b.keyFrom, b.keyTo, a.keyFrom, a.keyTo);
  found.sort(compare);
  for (const [index, entry] of found.entries()) {
    const before = found[index - 1];
    const isRepeated = before !== undefined && compare(before, entry) === 0;
    const isProto = entries.compare(protoKey, 0, protoKey.length, entry.keyFrom, entry.keyTo) === 0;
    if (isRepeated || isProto) {
      const key = entries.toString('utf8', entry.keyFrom, Math.min(entry.keyTo, entry.keyFrom + 64));
      throw new Error(`a map has the key ${key}${isProto ? ', which is reserved' : ' twice'}`);
    }
  }
  if (found.length > 0) putLong(out, found.length);
  for (const entry of found) putRange(out, entries, entry.from, entry.to);
  putLong(out, 0);
}

/** `entries` was written by us: its lengths are whole, and below 2^28. */
function entryAt(entries: Buffer, from: number, to: number): Entry {
  let length = 0;
  let keyFrom = from;
  for (let shift = 0; ; shift += 7) {
    const byte = entries.readUInt8(keyFrom++);
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return { from, to, keyFrom, keyTo: keyFrom + (length >>> 1) };
}
