/** What is done to a field of each event before it is sent: it is left out, or replaced by a pseudonym that is the same for the same value. */
export const maskActions = ['drop', 'hmac'] as const;
export type MaskAction = (typeof maskActions)[number];

export interface MaskRule {
  readonly field: string;
  readonly action: MaskAction;
}

/** I8: each costs every event a little. */
export const maskRulesMax = 32;

/** A whole member, of which there is no pseudonym. */
const onlyDrop = ['actor.metadata', 'on_behalf_of', 'resources', 'resources.metadata', 'changes', 'metadata'] as const;
/** What an event, or a part of it, cannot be without. */
const onlyHmac = ['actor.id', 'on_behalf_of.id', 'resources.id'] as const;
const either = [
  'outcome_reason',
  'description',
  'actor.name',
  'on_behalf_of.name',
  'resources.name',
  'changes.old',
  'changes.new',
  'context.ip',
  'context.user_agent',
  'context.country',
  'context.session_id',
  'context.request_id',
  'context.trace_id',
  'source.instance',
] as const;

/** Their values by name: `metadata.plan`. A name may have dots. */
const metadataFields = ['metadata', 'actor.metadata', 'resources.metadata'] as const;

/** Every field that may be masked, for the documentation; `KEY` stands for a name. */
export const maskableFields: readonly string[] = [
  ...either,
  ...metadataFields.map((field) => `${field}.KEY`),
  ...onlyHmac,
  ...onlyDrop,
];

/**
 * The members that lead to a field, outermost first; undefined when it may not be masked. What says where an event belongs stays (id, tenant, seq, times,
 * action and its kinds): the receiver's proof rests on it. Lists are gone through: `resources.name` is of each of them.
 */
export function maskPath({ field, action }: MaskRule): readonly string[] | undefined {
  const [, members, key] = /^((?:actor\.|resources\.)?metadata)\.([A-Za-z0-9_.-]{1,64})$/.exec(field) ?? [];
  if (members !== undefined && key !== undefined) return [...members.split('.'), key];
  const fields: readonly string[] = [...either, ...(action === 'hmac' ? onlyHmac : onlyDrop)];
  return fields.includes(field) ? field.split('.') : undefined;
}
