/**
 * The two messages that show which cluster answers at a port: Metadata v5 of Kafka's protocol (https://kafka.apache.org/protocol),
 * written by hand so that the stack's start depends on no Kafka client.
 */

const metadataKey = 3;
const metadataVersion = 5;
const correlationId = 1;
const clientId = 'docket-local-stack';

export interface ClusterDescription {
  readonly clusterId: string | null;
  readonly brokers: readonly { host: string; port: number }[];
}

/** A length-prefixed Metadata request for no topics, with auto-creation off. */
export function encodeMetadataRequest(): Buffer {
  const client = Buffer.from(clientId, 'utf8');
  const body = Buffer.alloc(8 + 2 + client.length + 5);
  body.writeInt16BE(metadataKey, 0);
  body.writeInt16BE(metadataVersion, 2);
  body.writeInt32BE(correlationId, 4);
  body.writeInt16BE(client.length, 8);
  client.copy(body, 10);
  body.writeInt32BE(0, 10 + client.length);
  body.writeInt8(0, 14 + client.length);
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length, 0);
  return Buffer.concat([length, body]);
}

/** The answer, or null while `received` does not hold all of it. Throws a RangeError on bytes that are no such answer. */
export function decodeMetadataResponse(received: Buffer): ClusterDescription | null {
  if (received.length < 4) return null;
  const length = received.readInt32BE(0);
  if (length < 0 || length > 1_000_000) throw new RangeError('not a Kafka answer');
  if (received.length < 4 + length) return null;
  const reader = createReader(received.subarray(4, 4 + length));
  if (reader.int32() !== correlationId) throw new RangeError('not the answer to this request');
  reader.int32();
  const brokers = Array.from({ length: boundedCount(reader.int32()) }, () => {
    reader.int32();
    const host = reader.string() ?? '';
    const port = reader.int32();
    reader.string();
    return { host, port };
  });
  return { clusterId: reader.string(), brokers };
}

function boundedCount(count: number): number {
  if (count < 0 || count > 1000) throw new RangeError('not a list of brokers');
  return count;
}

function createReader(bytes: Buffer) {
  let position = 0;
  return {
    int32(): number {
      position += 4;
      return bytes.readInt32BE(position - 4);
    },
    string(): string | null {
      const length = bytes.readInt16BE(position);
      position += 2;
      if (length < 0) return null;
      if (position + length > bytes.length) throw new RangeError('string beyond the end');
      position += length;
      return bytes.toString('utf8', position - length, position);
    },
  };
}
