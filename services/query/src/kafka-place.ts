import { closedObject } from '@docket/runtime';
import { Type, type Static } from '@sinclair/typebox';

/** Where a row lies in Kafka, as the views for operators have it. */
export interface KafkaPlaceRow {
  readonly src_generation: number;
  readonly src_partition: number;
  readonly src_offset: number;
}

/** The same in answers; only operators get it (I5). */
export const kafkaPlace = closedObject(
  { generation: Type.Integer(), partition: Type.Integer(), offset: Type.Integer() },
  { description: 'Where it lies in Kafka; for operators.' },
);

export function kafkaPlaceOf(row: KafkaPlaceRow): Static<typeof kafkaPlace> {
  return { generation: row.src_generation, partition: row.src_partition, offset: row.src_offset };
}
