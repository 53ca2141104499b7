import { listSearchFields, metadataKeyPattern, tenantIdPattern, type SearchFieldDeclaration } from '@docket/event';
import { integerParameter, queryParameter, type Parameter } from '@docket/runtime';
import { Type, type TSchema } from '@sinclair/typebox';
import { groupFields, intervalNames } from '../counts/histogram-mapper.ts';

/** Of a page of events. */
export const pageLimit = integerParameter(
  'limit',
  'Events of one page at most. One of large events ends earlier, after about 8 MiB: `next_cursor` alone says whether there are more.',
  { min: 1, max: 1_000, default: 100 },
);
export const cursorParameter = queryParameter('cursor', '`next_cursor` of the page before, with the same filters.');

/** Of the quarantine, which is for operators. */
export const quarantineCursor = queryParameter('cursor', '`next_cursor` of the page before.');

export const tenantParameter = queryParameter(
  'tenant_id',
  'Whose log. Required unless the key is good for one tenant only. Operators may also name a stray log, `!p<partition>`.',
  Type.String({ pattern: `${tenantIdPattern}|^!p\\d{1,5}$` }),
);

/** Of the quarantine, whose records operators have to find before they know the log. */
export const quarantinedLogParameter = queryParameter(
  'tenant_id',
  'Whose log, which may be a stray log, `!p<partition>`; `*`: of all logs at once.',
  Type.String({ pattern: `${tenantIdPattern}|^!p\\d{1,5}$|^\\*$` }),
);

export const qParameter = queryParameter('q', 'A search in the language of docs/query-language.md.');

/** The name under which all parameters `metadata.KEY` are declared: exploded, its members are parameters of their own. */
export const metadataParameters: Parameter = queryParameter(
  'metadata',
  'A value of the metadata, as `metadata.KEY=value`. A repeated one is any of its values.',
  Type.Object(
    {},
    {
      additionalProperties: false,
      patternProperties: { [`^metadata\\.${metadataKeyPattern.slice(1)}`]: Type.Array(Type.String()) },
    },
  ),
);

function filterSchema({ choices, kind }: SearchFieldDeclaration): TSchema {
  if (kind === 'bound') return Type.String();
  const value = choices === undefined ? Type.String() : Type.Unsafe<string>({ type: 'string', enum: [...choices] });
  return Type.Array(value);
}

/** The filters of every search: a parameter for each field of the language. */
export const filters: readonly Parameter[] = [
  ...listSearchFields()
    .filter(({ isOnlyInQ }) => isOnlyInQ !== true)
    .map((field) => queryParameter(field.name, `${field.meaning} As in \`${field.example}\`.`, filterSchema(field))),
  metadataParameters,
  qParameter,
];

const waitSeconds = { min: 0, max: 30, default: 0 };
export const eventWait = integerParameter('wait', 'How many seconds to wait until the event can be read.', waitSeconds);

export const intervalParameter = queryParameter(
  'interval',
  'Width of a bucket; without it, the narrowest that gives at most 125 buckets.',
  Type.Unsafe<string>({ type: 'string', enum: [...intervalNames] }),
);
export const byParameter = queryParameter(
  'by',
  'A field whose ten most frequent values are counted apart.',
  Type.Unsafe<string>({ type: 'string', enum: [...groupFields] }),
);

/** Each field is a pass over the events that are found. */
export const facetFieldsMax = 5;
export const fieldParameter: Parameter = {
  ...queryParameter(
    'field',
    'A field of the search language whose values are counted.',
    Type.Array(Type.String(), { minItems: 1, maxItems: facetFieldsMax }),
  ),
  isRequired: true,
};
export const facetLimit = integerParameter('limit', 'Values of each field.', { min: 1, max: 100, default: 10 });

export const afterParameter = queryParameter(
  'after',
  'A seq: what comes behind it. `latest`: what comes behind the present end of the log. Without it, the log from its beginning.',
);
export const feedSince = queryParameter(
  'since',
  'In place of `after`: begins with the first record that was received then or later. A time as in RFC 3339, or relative, such as `-7d`.',
);
export const feedWait = integerParameter(
  'wait',
  'How many seconds to wait until there is something behind `after`.',
  waitSeconds,
);
export const feedLimit = integerParameter(
  'limit',
  'Seqs that are passed at most, not the events that q leaves of them, so that every answer is quick. An answer of large events ends earlier, after about 8 MiB: `next_after` says where to go on, and `complete_through` whether there is more.',
  { min: 1, max: 1_000, default: 100 },
);
