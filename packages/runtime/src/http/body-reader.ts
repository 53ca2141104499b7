import type { IncomingMessage } from 'node:http';
import { gunzip } from 'node:zlib';

import { DocketError } from '../errors/docket-error.ts';

export interface BodyLimits {
  /** Bytes of the body, both as sent and after decompression. */
  readonly bytesMax: number;
  /** Told of bytes that have been taken up meanwhile, and are not used any more. */
  readonly onLeft?: (bytes: number) => void;
}

interface Unpacked {
  readonly bytes: Buffer;
  readonly consumedBytes: number;
}

const pieceBytes = { least: 16 * 1024, most: 256 * 1024 };

/** As zlib's gunzip, and how much of the input it has read. */
function inflate(wire: Buffer, options: { readonly maxOutputLength: number }): Promise<Unpacked> {
  return new Promise((resolve, reject) => {
    const told = (error: Error | null, found: unknown): void => {
      if (error !== null) return reject(error);
      // With `info` it is `{ buffer, engine }`, which the types do not say.
      const bytes: unknown = Reflect.get(Object(found), 'buffer');
      const consumed: unknown = Reflect.get(Object(Reflect.get(Object(found), 'engine')), 'bytesWritten');
      if (Buffer.isBuffer(bytes) && typeof consumed === 'number') return resolve({ bytes, consumedBytes: consumed });
      reject(new TypeError('zlib no longer tells how much it has read'));
    };
    gunzip(wire, { ...options, chunkSize: pieceBytesFor(wire, options.maxOutputLength), info: true }, told);
  });
}

/** Each piece of the output costs this thread a turn, and several of them a copy: one, where the stream ends with its true length (RFC 1952 §2.3.1). */
function pieceBytesFor(wire: Buffer, bytesMax: number): number {
  const guessed = Math.min(pieceBytes.most, Math.max(pieceBytes.least, 4 * wire.length));
  const told = wire.length < 4 ? 0 : wire.readUInt32LE(wire.length - 4);
  // A byte more, so that zlib sees the end within it. What is never written takes no memory, so a lie costs nothing.
  return told <= bytesMax ? Math.max(guessed, told + 1) : guessed;
}

/**
 * Reads a whole request body, plain or gzip, never holding more than twice `bytesMax`.
 * Throws body_too_large, unsupported_media_type (encoding) or invalid_request (not gzip, cut off). The request's deadline is the server's.
 */
export async function readBody(req: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  const encoding = (req.headers['content-encoding'] ?? 'identity').toLowerCase();
  if (encoding !== 'identity' && encoding !== 'gzip' && encoding !== 'x-gzip') {
    // RFC 7694: a 415 for the encoding names those that are accepted.
    throw new DocketError('unsupported_media_type', `Content-Encoding ${JSON.stringify(encoding)} is not supported.`, {
      headers: { 'Accept-Encoding': 'gzip, identity' },
    });
  }
  const wire = await collect(req, limits);
  return encoding === 'identity' ? wire : decompress(wire, limits);
}

async function decompress(wire: Buffer, { bytesMax, onLeft }: BodyLimits): Promise<Buffer> {
  let unpacked: Unpacked;
  try {
    unpacked = await inflate(wire, { maxOutputLength: bytesMax });
  } catch (cause) {
    const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      onLeft?.(bytesMax);
      throw tooLarge(bytesMax, {});
    }
    throw new DocketError('invalid_request', 'The body is not the gzip stream that Content-Encoding promises.', {
      cause,
    });
  }
  // zlib passes over zeros behind the stream.
  if (unpacked.consumedBytes === wire.length) return unpacked.bytes;
  throw new DocketError('invalid_request', 'The body goes on behind the gzip stream that Content-Encoding promises.');
}

function tooLarge(bytesMax: number, headers: Record<string, string>): DocketError {
  return new DocketError('body_too_large', `The body is larger than ${bytesMax} bytes.`, { headers });
}

/**
 * Bytes that come in pieces, in one piece. Of an announced length they go where they belong as they come, so that a piece is free again at once; nothing
 * is copied where all come at once.
 */
function createCollector(announced: number) {
  let pieces: Buffer[] = [];
  let whole: Buffer | undefined;
  let bytes = 0;
  return {
    add: (piece: Buffer): void => {
      if (whole === undefined && bytes + piece.length < announced) whole = Buffer.allocUnsafeSlow(announced);
      if (whole === undefined) pieces.push(piece);
      else piece.copy(whole, bytes);
      bytes += piece.length;
    },
    drop: (): void => {
      pieces = [];
      whole = undefined;
    },
    all: (): Buffer => {
      const [first] = pieces;
      if (whole !== undefined) return whole.subarray(0, bytes);
      return first !== undefined && pieces.length === 1 ? first : Buffer.concat(pieces, bytes);
    },
  };
}

/** What is still on its way when a body is refused is read and dropped for this long. */
const lingerMs = 500;

/**
 * A body somewhat over the limit is read to its end and dropped, because a client that is still sending would see a reset instead of the
 * answer. From twice the limit on it is read for a moment more, for the same reason, and the connection is closed.
 */
function collect(req: IncomingMessage, { bytesMax, onLeft }: BodyLimits): Promise<Buffer> {
  const closing = { Connection: 'close' };
  const announced = Number(req.headers['content-length'] ?? 0);
  if (announced > 2 * bytesMax) return Promise.reject(tooLarge(bytesMax, closing));
  return new Promise((resolve, reject) => {
    const body = createCollector(announced);
    let bytes = 0;
    let lingering: NodeJS.Timeout | undefined;
    const settle = (act: () => void): void => {
      clearTimeout(lingering);
      req.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
      act();
    };
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (Math.max(bytes, announced) <= bytesMax) body.add(chunk);
      else body.drop();
      onLeft?.(chunk.length);
      if (bytes > 2 * bytesMax)
        lingering ??= setTimeout(() => settle(() => reject(tooLarge(bytesMax, closing))), lingerMs);
    };
    const onEnd = (): void => settle(() => (bytes > bytesMax ? reject(tooLarge(bytesMax, {})) : resolve(body.all())));
    const onClose = (): void =>
      settle(() => reject(new DocketError('invalid_request', 'The client closed the connection within the body.')));
    req.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}
