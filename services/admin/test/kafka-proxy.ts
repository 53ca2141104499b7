import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';

/** Of requests (https://kafka.apache.org/protocol#protocol_api_keys). */
export const apiKeys = { produce: 0, endTxn: 26 } as const;

/** What becomes of a request: it goes on to Kafka, it is held back, or only its answer is. */
export type Fate = 'pass' | 'hold' | 'hold_answer';

export interface KafkaProxy {
  /** For KAFKA_BROKERS. */
  readonly address: string;
  /** Asked for each request from now on. */
  decide(fateOf: (apiKey: number) => Fate): void;
  /** Lets go what was held back, and asks no more. */
  release(): void;
  close(): Promise<void>;
}

/**
 * Stands between a client and the one broker at 127.0.0.1, and knows the requests by their kind. Kafka names itself in its answers; the proxy puts its own
 * port in the place of Kafka's, so that the client comes back to it.
 */
export async function startKafkaProxy(brokers: string): Promise<KafkaProxy> {
  const kafkaPort = Number(brokers.split(':').at(-1));
  let fateOf: (apiKey: number) => Fate = () => 'pass';
  let held: (() => void)[] = [];
  const sockets = new Set<Socket>();
  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
  };

  const server = createServer((client) => {
    const kafka = track(connect(kafkaPort, '127.0.0.1'));
    track(client).on('close', () => kafka.destroy());
    kafka.on('close', () => client.destroy());
    /** Ids of requests whose answers are held back. */
    const withoutAnswer = new Set<number>();
    client.on(
      'data',
      framesTo((frame) => {
        const fate = fateOf(frame.readInt16BE(4));
        if (fate === 'hold_answer') withoutAnswer.add(frame.readInt32BE(8));
        if (fate === 'hold') held.push(() => kafka.write(frame));
        else kafka.write(frame);
      }),
    );
    kafka.on(
      'data',
      framesTo((frame) => {
        const answer = withPort(frame, kafkaPort, portOf(server.address()));
        if (withoutAnswer.delete(frame.readInt32BE(4))) held.push(() => client.write(answer));
        else client.write(answer);
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${portOf(server.address())}`,
    decide: (decider) => (fateOf = decider),
    release: () => {
      fateOf = () => 'pass';
      for (const go of held) go();
      held = [];
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Calls back for each message of Kafka's protocol: four bytes of length, and what they say. */
function framesTo(onFrame: (frame: Buffer) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0);
      onFrame(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
  };
}

function withPort(frame: Buffer, from: number, to: number): Buffer {
  const [named, own] = [addressBytes(from), addressBytes(to)];
  const copy = Buffer.from(frame);
  for (let at = copy.indexOf(named); at >= 0; at = copy.indexOf(named, at + 1)) own.copy(copy, at);
  return copy;
}

function addressBytes(port: number): Buffer {
  const bytes = Buffer.alloc(13, '127.0.0.1');
  bytes.writeInt32BE(port, 9);
  return bytes;
}

function portOf(address: ReturnType<ReturnType<typeof createServer>['address']>): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}
