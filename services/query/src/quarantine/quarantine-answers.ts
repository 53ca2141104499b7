import { closedObject } from '@docket/runtime';
import { Type, type Static } from '@sinclair/typebox';
import { kafkaPlace } from '../kafka-place.ts';

const quarantinedRecord = closedObject(
  {
    tenant_id: Type.String({ description: 'The log: a tenant, or `!p<partition>` for what belongs to none.' }),
    seq: Type.Integer({ minimum: 1, description: 'Place in the log.' }),
    id: Type.Optional(Type.String({ description: 'Of the event, where it could be read.' })),
    received_at: Type.String({ 'x-format': 'date-time', description: 'When Kafka took it.' }),
    reason: Type.String({
      description:
        'tombstone, undecodable, unknown_schema, invalid, key_mismatch, reserved, unknown_mac_key, rejected or refused.',
    }),
    detail: Type.String({ description: 'What is wrong, for operators.' }),
    schema_id: Type.Optional(Type.Integer({ description: 'That the record names; absent: none.' })),
    source: kafkaPlace,
    raw: Type.String({ contentEncoding: 'base64', description: 'The bytes of the record’s value, in base64.' }),
  },
  { $id: 'QuarantinedRecord', description: 'A record that is no event of its log.' },
);
export type QuarantinedRecord = Static<typeof quarantinedRecord>;

export const quarantineAnswer = closedObject({
  data: Type.Array(quarantinedRecord, { description: 'Newest first.' }),
  next_cursor: Type.Union([Type.String(), Type.Null()], { description: 'Of the next page; null: this is the last.' }),
});

export const redriveBody = closedObject({
  event: Type.Optional(
    Type.Unsafe<unknown>(
      Type.Object(
        {},
        {
          additionalProperties: true,
          description:
            'The corrected event, as POST /v1/events takes it. Its id may be left out, and in a tenant’s log tenant_id.',
        },
      ),
    ),
  ),
});

export const redriveAnswer = closedObject({
  id: Type.String({ description: 'Of the event; the same each time the record is redriven.' }),
  tenant_id: Type.String({ description: 'Whose log it went to.' }),
  status: Type.Union([Type.Literal('published'), Type.Literal('already_stored')], {
    description: 'already_stored: the log has an event with this id, and nothing was published.',
  }),
});
export type RedriveAnswer = Static<typeof redriveAnswer>;
