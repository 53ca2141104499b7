/** Whether the bytes from `from` to `to` match. */
export type BytePattern = (view: DataView, from: number, to: number) => boolean;

/** The shapes that patterns of the declaration have: `[…]{1,64}`, `([…]{2})?` and `[…]+(\.[…]+)*`. */
const run = /^\^(\[[^\]]+\])\{(\d+),(\d+)\}\$$/;
const optional = /^\^\((\[[^\]]+\])\{(\d+)\}\)\?\$$/;
const dotted = /^\^(\[[^\]]+\])\+\(\\\.(\[[^\]]+\])\+\)\*\$$/;

/** The same question as the regular expression's, asked of bytes. Throws on another shape: a new one is written here. */
export function bytePatternOf(pattern: string): BytePattern {
  const ranged = run.exec(pattern);
  if (ranged !== null) return lengthsOf(classOf(ranged[1]), Number(ranged[2]), Number(ranged[3]));
  const fixed = optional.exec(pattern);
  if (fixed !== null) {
    const exact = lengthsOf(classOf(fixed[1]), Number(fixed[2]), Number(fixed[2]));
    return (view, from, to) => to === from || exact(view, from, to);
  }
  const words = dotted.exec(pattern);
  if (words !== null && words[1] === words[2]) return dottedWords(classOf(words[1]));
  throw new Error(`the pattern ${pattern} has no byte form`);
}

/** 1 for each byte of a class of ASCII characters. */
function classOf(characterClass = ''): Uint8Array {
  const one = new RegExp(`^${characterClass}$`, 'u');
  return Uint8Array.from({ length: 256 }, (_, byte) => (byte < 0x80 && one.test(String.fromCharCode(byte)) ? 1 : 0));
}

function lengthsOf(members: Uint8Array, min: number, max: number): BytePattern {
  return (view, from, to) => {
    if (to - from < min || to - from > max) return false;
    for (let at = from; at < to; at += 1) if (members[view.getUint8(at)] === 0) return false;
    return true;
  };
}

const dot = 0x2e;

function dottedWords(members: Uint8Array): BytePattern {
  return (view, from, to) => {
    let isAfterMember = false;
    for (let at = from; at < to; at += 1) {
      const byte = view.getUint8(at);
      if (members[byte] === 1) isAfterMember = true;
      else if (byte === dot && isAfterMember) isAfterMember = false;
      else return false;
    }
    return isAfterMember;
  };
}
