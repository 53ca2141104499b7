import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';

/** A name server on a real port. */
export interface NameServer {
  /** host:port. */
  readonly address: string;
  /** The questions so far, each `A name` or `AAAA name`. */
  asked(): readonly string[];
  close(): void;
}

/** What it knows of a name. A question that is not in it is never answered; an empty list: the name has none of this kind. */
export type Zone = Readonly<Record<string, { readonly A?: readonly string[]; readonly AAAA?: readonly string[] }>>;

const kinds = { A: 1, AAAA: 28 } as const;
const headerBytes = 12;

/** Answers as RFC 1035 has it. */
export async function startNameServer(zone: Zone, ttlSeconds = 60): Promise<NameServer> {
  const asked: string[] = [];
  const socket: Socket = createSocket('udp4');
  socket.on('message', (message, { port, address }) => {
    const { name, kind, end } = questionOf(message);
    asked.push(`${kind} ${name}`);
    const addresses = zone[name]?.[kind];
    if (addresses !== undefined) socket.send(answerTo(message, end, { kind, addresses, ttlSeconds }), port, address);
  });
  await once(socket.bind(0, '127.0.0.1'), 'listening');
  return { address: `127.0.0.1:${socket.address().port}`, asked: () => asked, close: () => void socket.close() };
}

function questionOf(message: Buffer): {
  readonly name: string;
  readonly kind: keyof typeof kinds;
  readonly end: number;
} {
  const labels: string[] = [];
  let at = headerBytes;
  for (let length = message.readUInt8(at); length > 0; length = message.readUInt8(at)) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  // Some resolvers mix upper and lower case in, to know their own questions.
  const name = labels.join('.').toLowerCase();
  return { name, kind: message.readUInt16BE(at + 1) === kinds.AAAA ? 'AAAA' : 'A', end: at + 5 };
}

function answerTo(
  message: Buffer,
  end: number,
  about: { readonly kind: keyof typeof kinds; readonly addresses: readonly string[]; readonly ttlSeconds: number },
): Buffer {
  const { kind, addresses, ttlSeconds } = about;
  const header = Buffer.from(message.subarray(0, headerBytes));
  // An answer without an error, to one question.
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(addresses.length, 6);
  header.writeUInt32BE(0, 8);
  const records = addresses.map((address) => {
    const data = kind === 'A' ? Buffer.from(address.split('.').map(Number)) : Buffer.from(address, 'hex');
    const record = Buffer.alloc(12);
    // The name is that of the question.
    record.writeUInt16BE(0xc000 + headerBytes, 0);
    record.writeUInt16BE(kinds[kind], 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(ttlSeconds, 6);
    record.writeUInt16BE(data.length, 10);
    return Buffer.concat([record, data]);
  });
  return Buffer.concat([header, message.subarray(headerBytes, end), ...records]);
}
