import type { Scope } from '@docket/directory';
import { eventStatuses, type EventStatus } from '@docket/event';
import { closedObject, defineEndpoint, jsonAnswer, queryParameter } from '@docket/runtime';
import { Type, type Static } from '@sinclair/typebox';
import { tenantParameter } from '../parameters/endpoint-parameters.ts';
import { readErrors } from '../endpoints.ts';
import { intervalNames } from '../counts/histogram-mapper.ts';

const time = (description: string) => Type.String({ 'x-format': 'date-time', description });
const count = (description: string) => Type.Integer({ minimum: 0, description });

const statuses = Type.Unsafe<Record<EventStatus, number>>(
  closedObject(Object.fromEntries(eventStatuses.map((status) => [status, Type.Integer({ minimum: 0 })])), {
    description: 'Rows by status.',
  }),
);
const digest = Type.String({
  pattern: '^[0-9a-f]{64}$',
  description: 'Over the accepted and conflicting events: the sum of SHA-256("SEQ:ID") modulo 2^256, in hex.',
});

export const ledgerAnswerSchema = closedObject({
  since: time('Where the first bucket is cut.'),
  until: time('Where the last bucket is cut.'),
  bucket: Type.String({ description: 'Width of a bucket.' }),
  statuses,
  digest,
  buckets: Type.Array(
    closedObject({
      at: time('Where it begins, by received_at.'),
      until: time('Where it ends; this time is in the next one.'),
      statuses,
      first_seq: Type.Optional(count('Lowest seq of its rows; absent when it has none.')),
      last_seq: Type.Optional(count('Highest seq of its rows; absent when it has none.')),
      digest,
      is_final: Type.Boolean({ description: 'The log goes on behind it: nothing can come into it any more.' }),
    }),
    { description: 'Every bucket of the range, in order, empty ones too.' },
  ),
  first_seq: count('The first seq that the log still has.'),
  complete_through: count('The answer is of the log up to this seq.'),
  as_of: time('When the log went up to there.'),
});
export type LedgerAnswer = Static<typeof ledgerAnswerSchema>;

export const ledgerEndpoint = defineEndpoint({
  method: 'get',
  path: '/v1/ledger',
  name: 'getLedger',
  tag: 'feed',
  access: ['events:read'] as const satisfies readonly Scope[],
  summary: 'What a log holds, to reconcile a copy with',
  description: 'By the time of arrival (received_at). See docs/ledger.md for the digest.',
  parameters: [
    tenantParameter,
    queryParameter('since', 'From this time on; default: 30 days before until. RFC 3339, or relative as `-7d`.'),
    queryParameter('until', 'Before this time; default: now.'),
    queryParameter(
      'bucket',
      'Width of a bucket; without it, the narrowest that gives at most 125 buckets.',
      Type.Unsafe<string>({ type: 'string', enum: [...intervalNames] }),
    ),
  ],
  answers: { 200: jsonAnswer('The ledger.', ledgerAnswerSchema) },
  errors: [...readErrors, 'view_not_allowed'],
});
