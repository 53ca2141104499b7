import type { Scope } from '@docket/directory';
import { closedObject, defineEndpoint, jsonAnswer, pathParameter, queryParameter } from '@docket/runtime';
import { Type, type Static } from '@sinclair/typebox';
import { filters, tenantParameter } from '../parameters/endpoint-parameters.ts';
import { readErrors } from '../endpoints.ts';
import { exportFormatNames } from './export-sql-mapper.ts';

const readers = ['events:read'] as const satisfies readonly Scope[];

const formatParameter = queryParameter(
  'format',
  'Default: ndjson.',
  Type.Unsafe<string>({ type: 'string', enum: [...exportFormatNames] }),
);
export const ticketParameter = queryParameter(
  'ticket',
  'Of POST /v1/exports. It stands for the credential and all parameters: there is none beside it.',
);

const time = (description: string) => Type.String({ 'x-format': 'date-time', description });
const count = (description: string) => Type.Integer({ minimum: 0, description });
const ofWholeLogs = 'Absent for the view user.';

const exportAnswerSchema = closedObject(
  {
    export_id: Type.String(),
    tenant_id: Type.String(),
    format: Type.Union(exportFormatNames.map((name) => Type.Literal(name))),
    state: Type.Union([Type.Literal('running'), Type.Literal('failed'), Type.Literal('complete')]),
    started_at: time('When the range was pinned.'),
    ended_at: Type.Optional(time('Absent while it runs.')),
    through_seq: Type.Optional(
      count(`The log went up to here when the export began; nothing behind it is in the export. ${ofWholeLogs}`),
    ),
    count: Type.Optional(count('Events. This and the following: of a complete export.')),
    first_seq: Type.Optional(count(`Lowest seq in it; absent when it has no event. ${ofWholeLogs}`)),
    last_seq: Type.Optional(count(`Highest seq in it; absent when it has no event. ${ofWholeLogs}`)),
    bytes: Type.Optional(count('Of the file; of NDJSON, before the manifest.')),
    sha256: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Of these bytes.' })),
  },
  { $id: 'Export', description: 'What an export came to.' },
);
export type ExportAnswer = Static<typeof exportAnswerSchema>;

export const exportEndpoint = defineEndpoint({
  method: 'get',
  path: '/v1/export',
  name: 'exportEvents',
  tag: 'exports',
  access: readers,
  summary: 'Export all events of a search',
  description:
    'Oldest first, of any size, as a stream. The range is pinned when it begins: what the log then holds. Where anything fails, the connection is destroyed: an answer that ends well is whole. See docs/exports.md.',
  parameters: [tenantParameter, ...filters, formatParameter, ticketParameter],
  answers: {
    200: {
      description: 'The file.',
      content: {
        'application/x-ndjson': Type.String({
          description:
            'An event a line, as in GET /v1/events; the last line is `{"manifest": …}`, as GET /v1/exports/{id}.',
        }),
        'text/csv': Type.String({
          description: 'RFC 4180 with a header; cells that could be formulas begin with an apostrophe.',
        }),
        'application/vnd.apache.parquet': Type.String({ description: 'The same columns, typed.' }),
      },
      headers: {
        'Docket-Export-Id': 'Names the export for GET /v1/exports/{id}.',
        'Content-Disposition': 'A name for the file.',
      },
    },
  },
  errors: [...readErrors, 'method_not_allowed'],
});

export const createExportUrlEndpoint = defineEndpoint({
  method: 'post',
  path: '/v1/exports',
  name: 'createExportUrl',
  tag: 'exports',
  access: readers,
  summary: 'Make an address from which a browser can download an export',
  description:
    'With the parameters of GET /v1/export. The address is good once, for a minute, for exactly this export, while the credential is good, and holds none.',
  parameters: [tenantParameter, ...filters, formatParameter],
  answers: {
    201: jsonAnswer(
      'The address.',
      closedObject({
        url: Type.String({ description: 'Relative to the address of this API.' }),
        expires_at: time('It has to be used before.'),
      }),
    ),
  },
  errors: ['tenant_required', 'tenant_not_allowed'],
});

export const getExportEndpoint = defineEndpoint({
  method: 'get',
  path: '/v1/exports/:id',
  name: 'getExport',
  tag: 'exports',
  access: readers,
  summary: 'What an export came to',
  description: 'Kept for 30 days, to check a file against. The view user sees those of its own token.',
  parameters: [pathParameter('id', 'The header Docket-Export-Id of the export.'), tenantParameter],
  answers: { 200: jsonAnswer('The export.', exportAnswerSchema) },
  errors: ['tenant_required', 'tenant_not_allowed', 'clickhouse_unavailable', 'schema_outdated', 'not_found'],
});
