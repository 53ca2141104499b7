import type { Scope } from '@docket/directory';
import { defineEndpoint, queryParameter } from '@docket/runtime';
import { Type } from '@sinclair/typebox';
import { filters, tenantParameter } from '../parameters/endpoint-parameters.ts';
import { readErrors } from '../endpoints.ts';

export const tailAfterParameter = queryParameter(
  'after',
  'A seq: what comes behind it. `latest`, and without it: what comes from now on. Last-Event-ID goes before it.',
);

export const tailEndpoint = defineEndpoint({
  method: 'get',
  path: '/v1/tail',
  name: 'tailEvents',
  tag: 'feed',
  access: ['events:read'] as const satisfies readonly Scope[],
  summary: 'Follow a log live, as server-sent events',
  description:
    'Messages without a type are events; `progress` accounts for seqs that were not sent; `end` is the last of a stream that ends well. The id of each is a seq: a stream that is opened again with it goes on there. See docs/tail.md.',
  parameters: [
    tenantParameter,
    ...filters,
    tailAfterParameter,
    {
      in: 'header',
      name: 'Last-Event-ID',
      description: 'Id of the last message that was received: the stream goes on behind it.',
      schema: Type.String({ pattern: '^[0-9]{1,16}$' }),
    },
  ],
  answers: {
    200: { description: 'The stream.', content: { 'text/event-stream': Type.String() } },
  },
  errors: [...readErrors, 'view_not_allowed', 'cursor_expired', 'method_not_allowed'],
});
