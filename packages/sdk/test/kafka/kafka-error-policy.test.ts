import { expect, test } from '@jest/globals';
import { kafkaVerdictOf } from '../../src/kafka/kafka-error-policy.ts';

const because = (cause: unknown): Error => new Error('gave up', { cause });

test.each([
  ['a connection that is refused', { name: 'KafkaJSConnectionError', code: 'ECONNREFUSED' }, 'retry'],
  ['a broker that is not the leader', { type: 'NOT_LEADER_FOR_PARTITION' }, 'retry'],
  ['too few replicas', because({ type: 'NOT_ENOUGH_REPLICAS' }), 'retry'],
  ['a topic that is not there', { type: 'UNKNOWN_TOPIC_OR_PARTITION' }, 'misconfigured'],
  ['a topic that may not be written', because({ type: 'TOPIC_AUTHORIZATION_FAILED' }), 'misconfigured'],
  ['a wrong password', { name: 'KafkaJSSASLAuthenticationError' }, 'misconfigured'],
  ['a schema that is not registered', { status: 404 }, 'misconfigured'],
  ['a subject that is not there', { name: 'ConfluentSchemaRegistryError' }, 'misconfigured'],
  ['a registry that is away', { status: 503 }, 'retry'],
  ['a record that is too large', because(because({ type: 'MESSAGE_TOO_LARGE' })), 'refused'],
  ['something that is no error', undefined, 'retry'],
])('%s: %p is %s', (_name, error, verdict) => {
  expect(kafkaVerdictOf(error)).toBe(verdict);
});
