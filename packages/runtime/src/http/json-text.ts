import { DocketError } from '../errors/docket-error.ts';

/** No honest document nests deeper, and whatever walks a parsed document may recurse. */
export const jsonDepthMax = 128;

const quote = 0x22;
const backslash = 0x5c;

/** Parses one JSON document in UTF-8. Throws invalid_json; the message says where, and never repeats the body. */
export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length === 0) throw new DocketError('invalid_json', 'The body is empty.');
  if (nestsDeeperThan(bytes, jsonDepthMax)) {
    throw new DocketError('invalid_json', `The body nests deeper than ${jsonDepthMax} levels.`);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DocketError('invalid_json', 'The body is not valid UTF-8.', { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const position = cause instanceof Error ? /at position (\d+)/.exec(cause.message)?.[1] : undefined;
    const where = position === undefined ? '' : ` (at character ${position})`;
    throw new DocketError('invalid_json', `The body is not a JSON document${where}.`, { cause });
  }
}

/** Counts brackets outside strings; a document that is not JSON may be miscounted and is refused by the parser afterwards. */
function nestsDeeperThan(bytes: Uint8Array, max: number): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (inString) {
      if (byte === backslash) at += 1;
      else if (byte === quote) inString = false;
    } else if (byte === quote) inString = true;
    else if (byte === 0x5b || byte === 0x7b) {
      depth += 1;
      if (depth > max) return true;
    } else if (byte === 0x5d || byte === 0x7d) depth -= 1;
  }
  return false;
}
