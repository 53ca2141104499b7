import { Type, type TSchema } from '@sinclair/typebox';
import { eventDeclaration, type FieldDeclaration } from './field-declaration.ts';
import { eventStatuses, type PublicEvent } from './public-event.ts';

/**
 * An event as answers show it. It has the members of the one declaration, without their limits: what is stored was within
 * those of its time, and a record that could not be read has empty members.
 */
function shown(declared: FieldDeclaration): TSchema {
  const { description, 'x-format': format, enum: choices, items, properties, required = [], type } = declared;
  const about = description === undefined ? {} : { description };
  if (declared['x-metadata'] === true) return Type.Record(Type.String(), Type.String(), about);
  if (items !== undefined) return Type.Array(shown(items), about);
  if (properties !== undefined)
    return Type.Object(members(properties, required), { additionalProperties: false, ...about });
  if (type === 'integer') return Type.Integer(about);
  if (type !== 'string') return Type.Unknown(about);
  if (choices !== undefined) return Type.Unsafe<string>({ type: 'string', enum: [...choices], ...about });
  return Type.String({ ...(format === 'date-time' ? { 'x-format': format } : {}), ...about });
}

function members(
  properties: Readonly<Record<string, FieldDeclaration>>,
  required: readonly string[],
): Record<string, TSchema> {
  const entries = Object.entries(properties).map(([name, inner]): [string, TSchema] => {
    const schema = shown(inner);
    return [name, required.includes(name) ? schema : Type.Optional(schema)];
  });
  return Object.fromEntries(entries);
}

const {
  id: _id,
  occurred_at: _occurredAt,
  ...others
} = members(eventDeclaration.properties ?? {}, eventDeclaration.required ?? []);

/** The members of `PublicEvent`. */
export const publicEventMembers = {
  id: Type.String({ 'x-format': 'uuid', description: 'UUID of the event.' }),
  seq: Type.Integer({ description: 'Position in the log of the tenant, from 1.' }),
  occurred_at: Type.String({ 'x-format': 'date-time', description: 'RFC 3339, UTC, to the microsecond.' }),
  received_at: Type.String({ 'x-format': 'date-time', description: 'RFC 3339: when it arrived.' }),
  ...others,
  status: Type.Optional(
    Type.Unsafe<string>({
      type: 'string',
      enum: eventStatuses.filter((status) => status !== 'accepted'),
      description: 'What became of the record; absent: accepted.',
    }),
  ),
};

/** What `toPublicEvent` gives. */
export const publicEventSchema = Type.Unsafe<PublicEvent>(
  Type.Object(publicEventMembers, {
    $id: 'StoredEvent',
    additionalProperties: false,
    description: 'An event with its place in the log.',
  }),
);
