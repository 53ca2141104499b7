import { openApiDocument, probeEndpoints, type ApiDescription, type App, type Endpoint } from '@docket/runtime';

const tags = [
  { name: 'events', description: 'Record events, find them, count them.' },
  { name: 'feed', description: 'The log in the order of seq, for programs that follow it.' },
  { name: 'exports', description: 'All events of a search as a file.' },
  { name: 'quarantine', description: 'Records that could not be read, for operators.' },
  { name: 'tenants', description: 'The customer organisations that have a log.' },
  { name: 'keys', description: 'Credentials.' },
  { name: 'subscriptions', description: 'What is delivered to whom.' },
  { name: 'credentials', description: 'What a credential may do.' },
  { name: 'operation', description: 'For those who run Docket.' },
] as const;

const about =
  'Docket keeps the audit log of each tenant. Lists come in pages: `limit`, `cursor`, `next_cursor`. A failure is a problem document (RFC 9457) with a `code` of docs/errors.md.';

/** What the gateway itself can answer before a request reaches the service behind it. */
const errorsOfProxy = ['overloaded', 'upstream_unavailable'] as const;

/** schemas/openapi/*.json, from what the routers of the services serve; the gateway's is the whole public API. */
export function openApiTexts(apps: Readonly<Record<string, App>>): Readonly<Record<string, string>> {
  const own = (name: string): readonly Endpoint[] => apps[name]?.router.endpoints ?? [];
  const documents: readonly (readonly [string, string, readonly Endpoint[]])[] = [
    [
      'gateway',
      'Docket',
      [...own('gateway'), ...withoutRepeats([...own('query'), ...own('admin'), ...own('delivery')], own('gateway'))],
    ],
    ['query', 'Docket: the query service', own('query')],
    ['admin', 'Docket: the admin service', own('admin')],
    ['delivery', 'Docket: the delivery service', own('delivery')],
  ];
  return Object.fromEntries(
    documents.map(([name, title, endpoints]) => [
      `schemas/openapi/${name}.json`,
      textOf(
        { title, description: about, tags, ...(name === 'gateway' ? { errorsBefore: errorsOfProxy } : {}) },
        endpoints,
      ),
    ]),
  );
}

function textOf(
  api: Omit<ApiDescription, 'tags'> & { readonly tags: typeof tags },
  endpoints: readonly Endpoint[],
): string {
  const all = [...endpoints, ...probeEndpoints];
  const used = api.tags.filter(({ name }) => all.some(({ tag }) => tag === name));
  return `${JSON.stringify(openApiDocument({ ...api, tags: used }, all), null, 2)}\n`;
}

/** Each service serves its own document under the same paths; the gateway answers those itself. */
function withoutRepeats(endpoints: readonly Endpoint[], served: readonly Endpoint[]): readonly Endpoint[] {
  const isServed = ({ method, path }: Endpoint): boolean =>
    served.some((other) => other.method === method && other.path === path);
  return endpoints.filter((endpoint) => !isServed(endpoint));
}
