import { categories, metadataKeyPattern, operations, outcomes, severities } from '../audit-event.ts';
import { nearestName } from '../nearest-name.ts';
import { eventStatuses } from '../public-event.ts';

/** How the values of a field are written and compared. */
export type FieldKind =
  'text' | 'action' | 'choice' | 'scale' | 'list' | 'resource' | 'address' | 'bound' | 'time' | 'seq';

/** A field of the search language. */
export interface SearchFieldDeclaration {
  readonly kind: FieldKind;
  readonly meaning: string;
  /** A term, as users write it. */
  readonly example: string;
  readonly aliases?: readonly string[];
  /** All values there are, of a `scale` in ascending order. */
  readonly choices?: readonly string[];
  /** Not also a parameter of its own beside q. */
  readonly isOnlyInQ?: true;
}

/**
 * Every field that can be searched, apart from metadata.KEY and free words. The parser, both back ends, the parameters of
 * GET /v1/events and docs/query-language.md come from it; the order is the one of the documentation.
 */
export const searchFields = {
  action: { kind: 'action', meaning: 'What was done.', example: 'action:user.*' },
  actor_id: { kind: 'text', aliases: ['actor'], meaning: 'Id of who did it.', example: 'actor:u_1' },
  actor_type: { kind: 'text', meaning: 'Kind of who did it.', example: 'actor_type:api_key' },
  on_behalf_of_id: {
    kind: 'text',
    aliases: ['on_behalf_of'],
    meaning: 'Id of the one for whom the actor acted.',
    example: 'on_behalf_of:*',
  },
  on_behalf_of_type: { kind: 'text', meaning: 'Kind of that one.', example: 'on_behalf_of_type:user' },
  resource: {
    kind: 'resource',
    meaning: 'Something acted upon, type and id of the same one.',
    example: 'resource:document:d7',
  },
  resource_type: { kind: 'list', meaning: 'Kind of anything acted upon.', example: 'resource_type:document' },
  resource_id: { kind: 'list', meaning: 'Id of anything acted upon.', example: 'resource_id:d7' },
  category: { kind: 'choice', choices: categories, meaning: 'Class of the action.', example: 'category:access' },
  operation: { kind: 'choice', choices: operations, meaning: 'What it does to data.', example: 'operation:delete' },
  outcome: { kind: 'choice', choices: outcomes, meaning: 'How it ended.', example: '-outcome:success' },
  severity: { kind: 'scale', choices: severities, meaning: 'How grave it is.', example: 'severity:>=high' },
  ip: { kind: 'address', meaning: 'Address of the client, or a block of addresses.', example: 'ip:203.0.113.0/24' },
  service: { kind: 'text', meaning: 'Service that recorded the event.', example: 'service:billing' },
  session_id: { kind: 'text', meaning: 'Session of the client.', example: 'session_id:s_81' },
  request_id: { kind: 'text', meaning: 'Request in which it happened.', example: 'request_id:"4f 1c"' },
  trace_id: { kind: 'text', meaning: 'Trace in which it happened.', example: 'trace_id:0af7651916cd43dd' },
  since: { kind: 'bound', meaning: 'Occurred then or later.', example: 'since:-7d' },
  until: { kind: 'bound', meaning: 'Occurred before then.', example: 'until:2026-12-01T00:00:00Z' },
  occurred_at: {
    kind: 'time',
    meaning: 'When it occurred, to the microsecond.',
    example: 'occurred_at:>=2026-11-23T09:00:00+01:00',
    isOnlyInQ: true,
  },
  received_at: {
    kind: 'time',
    meaning: 'When it arrived, to the millisecond.',
    example: 'received_at:>-30m',
    isOnlyInQ: true,
  },
  seq: { kind: 'seq', meaning: 'Position in the log.', example: 'seq:100..199', isOnlyInQ: true },
  status: {
    kind: 'choice',
    choices: eventStatuses,
    meaning: 'What became of the record. Without it a search shows accepted and conflict.',
    example: 'status:duplicate',
  },
} as const satisfies Readonly<Record<string, SearchFieldDeclaration>>;

export type FieldName = keyof typeof searchFields;
type FieldsOf<Kind extends FieldKind> = {
  [Name in FieldName]: (typeof searchFields)[Name]['kind'] extends Kind ? Name : never;
}[FieldName];

/** A field of metadata; its key is one that an event can have. */
export type MetadataField = `metadata.${string}`;
/** Fields with one value an event, the empty text when it is absent. */
export type ScalarField = FieldsOf<'text' | 'action' | 'choice' | 'scale'>;
/** Fields with a value for each resource. */
export type ResourceField = FieldsOf<'list' | 'resource'>;
/** Fields whose values are compared as a whole. */
export type ValueField = ScalarField | ResourceField | 'ip' | MetadataField;
/** Fields whose values have an order: times in µs since the epoch, and seq. */
export type RangeField = FieldsOf<'time' | 'seq'>;

const metadataPrefix = 'metadata.';
const metadataKey = new RegExp(metadataKeyPattern, 'u');

/** Whether a name is one of a field whose values can be counted; aliases are none. */
export function isValueField(name: string): name is ValueField {
  if (isMetadataField(name)) return true;
  if (!isFieldName(name)) return false;
  const { kind } = fieldDeclaration(name);
  return kind !== 'bound' && kind !== 'time' && kind !== 'seq';
}

export function isMetadataField(name: string): name is MetadataField {
  return name.startsWith(metadataPrefix) && metadataKey.test(name.slice(metadataPrefix.length));
}

export function metadataKeyOf(field: MetadataField): string {
  return field.slice(metadataPrefix.length);
}

export function isResourceField(name: ValueField): name is ResourceField {
  return name === 'resource' || name === 'resource_type' || name === 'resource_id';
}

const isFieldName = (name: string): name is FieldName => Object.hasOwn(searchFields, name);
const declarations: Readonly<Record<FieldName, SearchFieldDeclaration>> = searchFields;

export function fieldDeclaration(name: FieldName): SearchFieldDeclaration {
  return declarations[name];
}

const namesByAlias: ReadonlyMap<string, FieldName> = new Map(
  Object.keys(searchFields)
    .filter(isFieldName)
    .flatMap((name) => (fieldDeclaration(name).aliases ?? []).map((alias) => [alias, name] as const)),
);

/** All fields in the order of their declaration. */
export function listSearchFields(): readonly (SearchFieldDeclaration & { readonly name: string })[] {
  return Object.entries(searchFields).map(([name, declaration]) => ({ name, ...declaration }));
}

/** All names by which the fields are known, aliases included. */
const searchFieldNames: readonly string[] = [...Object.keys(searchFields), ...namesByAlias.keys()];

export type FoundField =
  | { readonly ok: true; readonly name: FieldName | MetadataField }
  /** `detail` says what is wrong with the name. */
  | { readonly ok: false; readonly detail: string };

/** What is repeated of a caller's text in a message. */
const shownCharactersMax = 64;

/** The field that users call by a name. */
export function findField(name: string): FoundField {
  if (isFieldName(name)) return { ok: true, name };
  const aliased = namesByAlias.get(name);
  if (aliased !== undefined) return { ok: true, name: aliased };
  if (isMetadataField(name)) return { ok: true, name };
  if (name.startsWith(metadataPrefix)) {
    return { ok: false, detail: 'a key of metadata is 1 to 64 of [A-Za-z0-9_.-], as in metadata.plan:pro' };
  }
  const nearest = nearestName(name, [...searchFieldNames, 'metadata.']);
  const hint = nearest === null ? 'quote the term to search for its words' : `did you mean \`${nearest}\`?`;
  return { ok: false, detail: `unknown field \`${name.slice(0, shownCharactersMax)}\`; ${hint}` };
}
