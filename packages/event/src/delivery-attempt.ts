import { deliveryAttemptAvro } from '@docket/schemas';
import avro from 'avsc';

export const deliveryOutcomes = [
  'delivered',
  'retry',
  'split',
  'reject_event',
  'misconfigured',
  'gone',
  'unknown',
] as const;

/** One request to a receiver and what came of it; the columns of delivery_attempts have the same names. */
export interface DeliveryAttempt {
  readonly attempt_id: string;
  readonly subscription_id: string;
  readonly tenant_id: string;
  readonly from_seq: number;
  readonly to_seq: number;
  readonly event_count: number;
  readonly body_bytes: number;
  /** From 1. */
  readonly try: number;
  /** ms since the epoch. */
  readonly started_at: number;
  readonly duration_ms: number;
  readonly outcome: (typeof deliveryOutcomes)[number];
  /** 0: there was no answer. */
  readonly http_status: number;
  readonly error: string;
  readonly answer_excerpt: string;
}

const deliveryAttemptType = avro.Type.forSchema(deliveryAttemptAvro as unknown as avro.Schema);

/** The Avro body of an attempt, without the Confluent prefix. Throws when a field has a wrong type: a bug. */
export function encodeDeliveryAttempt(attempt: DeliveryAttempt): Buffer {
  return deliveryAttemptType.toBuffer(attempt);
}

/** As createEventDecoder, for attempts. */
export function createDeliveryAttemptDecoder(writerSchema: unknown): (body: Buffer) => DeliveryAttempt {
  const resolver = deliveryAttemptType.createResolver(avro.Type.forSchema(writerSchema as avro.Schema));
  return (body) => deliveryAttemptType.fromBuffer(body, resolver) as DeliveryAttempt;
}
