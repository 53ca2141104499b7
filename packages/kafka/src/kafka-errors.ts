import { DocketError } from '@docket/runtime';

/** kafkajs wraps: KafkaJSNumberOfRetriesExceeded ← KafkaJSProtocolError. The innermost says what happened. */
function innermost(error: unknown): unknown {
  let current = error;
  for (let depth = 0; depth < 8; depth += 1) {
    if (!(current instanceof Error) || !(current.cause instanceof Error) || current.cause === current) return current;
    current = current.cause;
  }
  return current;
}

function fieldOf(error: unknown, name: 'retriable' | 'type'): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;
}

/** True unless Kafka said that the same request can never succeed. What is not kafkajs' (sockets, DNS) is worth another try. */
export function isRetriable(error: unknown): boolean {
  const cause = innermost(error);
  return !(cause instanceof TypeError) && fieldOf(cause, 'retriable') !== false;
}

/** A consumer that ended with this may begin again: kafkajs' own rule. Anything else is a bug, here or there. */
export function isOverForNow(error: Error): boolean {
  return error.name === 'KafkaJSNumberOfRetriesExceeded' || fieldOf(innermost(error), 'retriable') === true;
}

/** Kafka's name of the error, such as INVALID_PRODUCER_EPOCH; undefined when it is none of the protocol's. */
export function protocolErrorOf(error: unknown): string | undefined {
  const type = fieldOf(innermost(error), 'type') ?? fieldOf(error, 'type');
  return typeof type === 'string' ? type : undefined;
}

/** The batch is more than the topic takes, or than one of its files holds; fewer records may be not. */
export function isTooLarge(error: unknown): boolean {
  const type = protocolErrorOf(error);
  return type === 'MESSAGE_TOO_LARGE' || type === 'RECORD_LIST_TOO_LARGE';
}

/** Another producer with the same transactional id has taken over (KIP-360 names both). */
export function isFenced(error: unknown): boolean {
  const type = protocolErrorOf(error);
  return type === 'INVALID_PRODUCER_EPOCH' || type === 'PRODUCER_FENCED';
}

/** The coordinator still writes the markers of this producer's last transaction: the same request works in a moment. */
export function isStillCommitting(error: unknown): boolean {
  return protocolErrorOf(error) === 'CONCURRENT_TRANSACTIONS';
}

export function kafkaUnavailable(what: string, cause: unknown): DocketError {
  return new DocketError('kafka_unavailable', `Kafka: ${what} failed.`, { cause });
}
