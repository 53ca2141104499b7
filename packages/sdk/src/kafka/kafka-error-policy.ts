import { causeOf } from '../error-fields.ts';

/** Kafka's own names of what only a person can mend. */
const configurationTypes: ReadonlySet<unknown> = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'INVALID_TOPIC_EXCEPTION',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
]);

/** … and of what is wrong with the records. */
const recordTypes: ReadonlySet<unknown> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD']);

/**
 * kafkajs gives the reason in the error, or in its cause when it has given up repeating. 404, and the registry client's own complaints, say that the
 * schema is not registered; a registry that is away has no such name.
 */
export function kafkaVerdictOf(error: unknown): 'retry' | 'misconfigured' | 'refused' {
  for (let reason = error, depth = 0; reason !== undefined && depth < 5; reason = causeOf(reason), depth += 1) {
    const type = field(reason, 'type');
    if (recordTypes.has(type)) return 'refused';
    if (configurationTypes.has(type) || field(reason, 'name') === 'KafkaJSSASLAuthenticationError')
      return 'misconfigured';
    if (field(reason, 'status') === 404 || String(field(reason, 'name')).startsWith('ConfluentSchemaRegistry'))
      return 'misconfigured';
  }
  return 'retry';
}

function field(error: unknown, name: string): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;
}
