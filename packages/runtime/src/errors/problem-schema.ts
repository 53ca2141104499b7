import type { Static } from '@sinclair/typebox';
import { Type } from '@sinclair/typebox';

import { errorCatalogue } from './error-catalogue.ts';

const detail = Type.String({ description: 'What is wrong with it.' });
const closed = { additionalProperties: false };

const errorItem = Type.Union(
  [
    Type.Object({ pointer: Type.String({ description: 'JSON pointer into the body (RFC 6901).' }), detail }, closed),
    Type.Object(
      {
        parameter: Type.String({ description: 'A parameter of the query string.' }),
        detail,
        position: Type.Optional(Type.Integer({ description: 'Where in its value, in UTF-16 units from 1.' })),
        length: Type.Optional(Type.Integer()),
      },
      closed,
    ),
    Type.Object({ header: Type.String({ description: 'A header field.' }), detail }, closed),
  ],
  { $id: 'ProblemItem', description: 'One thing that is wrong with a request.' },
);

/** Members that the problems of some codes have beside the common ones. */
const extensionMembers = {
  ids: Type.Optional(
    Type.Array(Type.String(), {
      description:
        'Ids of the events of the request, in its order: some may be in the log, so send all again with these. Without them nothing was published.',
    }),
  ),
  errors_omitted: Type.Optional(Type.Integer({ description: 'How many more errors there are.' })),
  first_seq: Type.Optional(Type.Integer({ description: 'Where the log begins.' })),
};
const extensions = Type.Object(extensionMembers, closed);
export type ProblemExtensions = Readonly<Static<typeof extensions>>;

/** A problem document; `errorCatalogue` says what its code means. */
export const problemSchema = Type.Object(
  {
    type: Type.String({ description: '`urn:docket:error:` and the code.' }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.Unsafe<keyof typeof errorCatalogue>({ type: 'string', enum: Object.keys(errorCatalogue) }),
    detail: Type.String({ description: 'What failed.' }),
    request_id: Type.String({ description: 'The X-Request-Id of the answer: it is in the log lines of this request.' }),
    errors: Type.Optional(Type.Array(errorItem)),
    ...extensionMembers,
  },
  { $id: 'Problem', description: 'What every failed request is answered with (RFC 9457).', ...closed },
);
