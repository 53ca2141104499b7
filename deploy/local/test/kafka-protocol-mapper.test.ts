import { describe, expect, test } from '@jest/globals';
import { decodeMetadataResponse, encodeMetadataRequest } from '../src/kafka-protocol-mapper.ts';

/** Metadata v5 as the protocol guide lays it out. That a real broker answers so is shown by every start of the stack. */
function response(clusterId: string | null, brokers: { host: string; port: number }[]): Buffer {
  const int32 = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    return bytes;
  };
  const string = (value: string | null) => {
    const bytes = Buffer.alloc(2);
    bytes.writeInt16BE(value === null ? -1 : Buffer.byteLength(value));
    return Buffer.concat([bytes, Buffer.from(value ?? '')]);
  };
  const body = Buffer.concat([
    int32(1),
    int32(0),
    int32(brokers.length),
    ...brokers.map(({ host, port }) => Buffer.concat([int32(1), string(host), int32(port), string(null)])),
    string(clusterId),
    int32(1),
    int32(0),
  ]);
  return Buffer.concat([int32(body.length), body]);
}

describe('Metadata v5', () => {
  test('the request asks for no topics and forbids their creation', () => {
    const request = encodeMetadataRequest();
    expect(request.readInt32BE(0)).toBe(request.length - 4);
    expect(request.readInt16BE(4)).toBe(3);
    expect(request.readInt16BE(6)).toBe(5);
    expect(request.subarray(-5).toString('hex')).toBe('0000000000');
  });

  test('the answer gives cluster id and brokers', () => {
    const brokers = [{ host: '127.0.0.1', port: 29092 }];
    expect(decodeMetadataResponse(response('CwT2Bkl6TuCn1SoWYcQRVg', brokers))).toEqual({
      clusterId: 'CwT2Bkl6TuCn1SoWYcQRVg',
      brokers,
    });
    expect(decodeMetadataResponse(response(null, []))).toEqual({ clusterId: null, brokers: [] });
  });

  test('every shorter prefix of an answer is awaited, not misread', () => {
    const whole = response('CwT2Bkl6TuCn1SoWYcQRVg', [{ host: '127.0.0.1', port: 29092 }]);
    for (let length = 0; length < whole.length; length += 1) {
      expect(decodeMetadataResponse(whole.subarray(0, length))).toBeNull();
    }
  });

  test('what is no Kafka answer throws', () => {
    expect(() => decodeMetadataResponse(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'))).toThrow(RangeError);
    const wrong = response('x', []);
    wrong.writeInt32BE(7, 4);
    expect(() => decodeMetadataResponse(wrong)).toThrow('not the answer');
    const many = response('x', []);
    many.writeInt32BE(100_000, 12);
    expect(() => decodeMetadataResponse(many)).toThrow('not a list of brokers');
  });
});
