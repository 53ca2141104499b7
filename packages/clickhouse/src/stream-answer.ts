import type { Readable } from 'node:stream';
import { ClickHouseError, noAnswerCode } from './error-policy.ts';

/** Kept of what ClickHouse says about a failure midway. */
const messageBytesMax = 2_000;

/**
 * The bytes of an answer as they come, at the pace of whoever takes them. Throws ClickHouseError when the statement fails midway,
 * after a connection that broke too: an answer that ends without an error is whole. ClickHouse writes its message into the
 * answer then, behind a mark that it announces for this answer alone; nothing of the message is given out.
 * @param tag of the header x-clickhouse-exception-tag; undefined where the server sends none: it then only breaks the connection.
 */
export async function* checkedBytes(
  stream: Readable,
  tag: string | undefined,
): AsyncGenerator<Buffer, void, undefined> {
  const mark = Buffer.from(tag === undefined ? '' : `\r\n__exception__\r\n${tag}`);
  let held: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of stream) {
      if (!Buffer.isBuffer(chunk)) continue;
      const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const markAt = mark.length === 0 ? -1 : bytes.indexOf(mark);
      if (markAt >= 0) throw failureOf(bytes.subarray(markAt + mark.length));
      const wholeBytes = bytes.length - begunBytes(bytes, mark);
      held = bytes.subarray(wholeBytes);
      if (wholeBytes > 0) yield bytes.subarray(0, wholeBytes);
    }
  } catch (cause) {
    if (cause instanceof ClickHouseError) throw cause;
    throw new ClickHouseError(noAnswerCode, 'the answer broke off', { cause });
  } finally {
    stream.destroy();
  }
  if (held.length > 0) yield held;
}

/** How many bytes at the end may be the beginning of the mark. They alone wait for the next ones: to join them, these have to be copied. */
function begunBytes(bytes: Buffer, mark: Buffer): number {
  const [first] = mark;
  if (first === undefined) return 0;
  let at = bytes.indexOf(first, Math.max(0, bytes.length - mark.length + 1));
  while (at >= 0 && !bytes.subarray(at).equals(mark.subarray(0, bytes.length - at))) at = bytes.indexOf(first, at + 1);
  return at < 0 ? 0 : bytes.length - at;
}

const hasLine = (beginning: Buffer): boolean => beginning.includes('\n');

/** As much of an answer as is taken, piece by piece; the rest is cancelled. Throws as the stream does. */
export async function beginningOf(
  stream: AsyncIterable<Buffer>,
  takes: (bytes: number, hasRow: boolean) => boolean,
  hasRow = hasLine,
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let isBehindRow = false;
  for await (const piece of stream) {
    if (!takes(piece.length, isBehindRow)) break;
    pieces.push(piece);
    isBehindRow ||= hasRow(pieces.length === 1 ? piece : Buffer.concat(pieces));
  }
  return Buffer.concat(pieces);
}

function failureOf(bytes: Buffer): ClickHouseError {
  const message = bytes.subarray(0, messageBytesMax).toString('utf8').trim();
  const code = /^Code: (\d+)\./.exec(message)?.[1];
  return new ClickHouseError(code === undefined ? noAnswerCode : Number(code), message);
}
