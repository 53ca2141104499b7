import { describe, expect, test } from '@jest/globals';

import { isFenced, isRetriable, protocolErrorOf } from '../src/kafka-errors.ts';

function kafkajsError(name: string, fields: object, cause?: Error): Error {
  const error = Object.assign(new Error(name, cause === undefined ? {} : { cause }), fields);
  error.name = name;
  return error;
}

const timedOut = kafkajsError('KafkaJSRequestTimeoutError', { retriable: true });
const tooLarge = kafkajsError('KafkaJSProtocolError', { retriable: false, type: 'MESSAGE_TOO_LARGE' });
const fenced = kafkajsError('KafkaJSProtocolError', { retriable: false, type: 'INVALID_PRODUCER_EPOCH' });

describe('what kafkajs’ errors mean', () => {
  test.each([
    [
      'an exhausted retry of what may succeed later',
      kafkajsError('KafkaJSNumberOfRetriesExceeded', { retriable: false }, timedOut),
      true,
    ],
    [
      'an exhausted retry of what never can',
      kafkajsError('KafkaJSNonRetriableError', { retriable: false }, tooLarge),
      false,
    ],
    ['a socket’s error', new Error('ECONNRESET'), true],
    ['a bug', new TypeError('x is undefined'), false],
  ])('%s', (_name, error, expected) => {
    expect(isRetriable(error)).toBe(expected);
  });

  test('fencing is found below any wrapping', () => {
    expect(isFenced(kafkajsError('KafkaJSNonRetriableError', { retriable: false }, fenced))).toBe(true);
    expect(isFenced(fenced)).toBe(true);
    expect(isFenced(tooLarge)).toBe(false);
    expect(protocolErrorOf(kafkajsError('KafkaJSNonRetriableError', {}, tooLarge))).toBe('MESSAGE_TOO_LARGE');
    expect(protocolErrorOf(undefined)).toBeUndefined();
  });

  test('an error that is its own cause ends the search', () => {
    const circular = new Error('a');
    circular.cause = circular;
    expect(isRetriable(circular)).toBe(true);
  });
});
