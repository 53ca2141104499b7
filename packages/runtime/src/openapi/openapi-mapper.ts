import { errorCatalogue } from '../errors/error-catalogue.ts';
import type { ErrorCode } from '../errors/error-catalogue.ts';
import { problemMediaType } from '../errors/problem-mapper.ts';
import { problemSchema } from '../errors/problem-schema.ts';
import { errorsOf } from '../http/endpoint.ts';
import type { DeclaredAnswer, Endpoint, Parameter } from '../http/endpoint.ts';
import { jsonSchemaOf } from './schema-mapper.ts';
import type { JsonSchema, SchemaComponents } from './schema-mapper.ts';

export interface ApiDescription {
  readonly title: string;
  readonly description: string;
  /** In the order of the documentation. An endpoint with another tag is refused. */
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  /** Codes that something before the endpoints can answer to any request with a credential. */
  readonly errorsBefore?: readonly ErrorCode[];
}

/** An OpenAPI 3.1 document, as data. */
export type OpenApiDocument = JsonSchema & {
  readonly paths: Readonly<Record<string, Readonly<Record<string, JsonSchema>>>>;
};

const credential = 'credential';

/** Describes endpoints. Throws when a declaration is not whole: an unnamed path parameter, an unknown tag, a name that is taken. */
export function openApiDocument(api: ApiDescription, endpoints: readonly Endpoint[]): OpenApiDocument {
  const components: SchemaComponents = new Map();
  const paths: Record<string, Record<string, JsonSchema>> = {};
  const names = new Set<string>();
  for (const endpoint of endpoints) {
    if (names.has(endpoint.name)) throw new Error(`Two endpoints are called ${endpoint.name}.`);
    names.add(endpoint.name);
    const path = endpoint.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [endpoint.method]: operationOf(endpoint, api, components) };
  }
  return {
    openapi: '3.1.0',
    info: { title: api.title, version: '1', description: api.description, license },
    servers: [{ url: '/' }],
    tags: api.tags,
    paths,
    components: {
      schemas: Object.fromEntries([...components].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      securitySchemes: { [credential]: securityScheme },
    },
  };
}

const license = { name: 'Apache-2.0', identifier: 'Apache-2.0' };
const securityScheme = {
  type: 'http',
  scheme: 'bearer',
  description: '`Authorization: Bearer dk_…`: a key. The scopes that an endpoint names are those of the key.',
};

function operationOf(endpoint: Endpoint, api: ApiDescription, components: SchemaComponents): JsonSchema {
  const { name, tag, summary, description, access, parameters = [], body } = endpoint;
  if (!api.tags.some((known) => known.name === tag)) throw new Error(`${name} has the unknown tag ${tag}.`);
  for (const [, id] of endpoint.path.matchAll(/:(\w+)/g)) {
    const isDeclared = parameters.some((parameter) => parameter.in === 'path' && parameter.name === id);
    if (!isDeclared) throw new Error(`${name} does not declare the parameter ${id} of its path.`);
  }
  return {
    operationId: name,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security: securityOf(access),
    ...(parameters.length === 0
      ? {}
      : { parameters: parameters.map((parameter) => parameterOf(parameter, components)) }),
    ...(body === undefined
      ? {}
      : {
          requestBody: { required: true, content: { 'application/json': { schema: jsonSchemaOf(body, components) } } },
        }),
    responses: responsesOf(endpoint, api, components),
  };
}

/** Several scopes are alternatives, so each is a requirement of its own. */
function securityOf(access: Endpoint['access']): readonly JsonSchema[] {
  if (access === 'public') return [];
  if (access === 'credential') return [{ [credential]: [] }];
  return access.map((scope) => ({ [credential]: [scope] }));
}

function parameterOf(parameter: Parameter, components: SchemaComponents): JsonSchema {
  const { in: place, name, description, schema, isRequired = false } = parameter;
  return { name, in: place, description, required: isRequired, schema: jsonSchemaOf(schema, components) };
}

interface Response {
  readonly descriptions: string[];
  readonly headers: Record<string, JsonSchema>;
  readonly content: Record<string, JsonSchema>;
}

function responsesOf(endpoint: Endpoint, api: ApiDescription, components: SchemaComponents): JsonSchema {
  const responses = new Map<number, Response>();
  const responseOf = (status: number): Response => {
    const known = responses.get(status);
    if (known !== undefined) return known;
    const made: Response = { descriptions: [], headers: { 'X-Request-Id': { schema: text } }, content: {} };
    responses.set(status, made);
    return made;
  };
  for (const [status, answer] of Object.entries(endpoint.answers)) {
    addAnswer(responseOf(Number(status)), answer, components);
  }
  const codes = new Set([...errorsOf(endpoint), ...(endpoint.access === 'public' ? [] : (api.errorsBefore ?? []))]);
  for (const [status, group] of byStatus(codes)) addProblems(responseOf(status), group, components);
  for (const [status, headers] of Object.entries(endpoint.problemHeaders ?? {})) {
    addHeaders(responseOf(Number(status)), headers);
  }
  const entries = [...responses].toSorted(([a], [b]) => a - b);
  return Object.fromEntries(
    entries.map(([status, { descriptions, headers, content }]) => [
      String(status),
      {
        description: descriptions.join('\n'),
        headers,
        ...(Object.keys(content).length === 0 ? {} : { content }),
      },
    ]),
  );
}

const text: JsonSchema = { type: 'string' };

function addAnswer(response: Response, answer: DeclaredAnswer, components: SchemaComponents): void {
  response.descriptions.push(answer.description);
  addHeaders(response, answer.headers ?? {});
  for (const [mediaType, schema] of Object.entries(answer.content ?? {})) {
    response.content[mediaType] = { schema: jsonSchemaOf(schema, components) };
  }
}

function addHeaders(response: Response, headers: Readonly<Record<string, string>>): void {
  for (const [name, description] of Object.entries(headers)) response.headers[name] = { description, schema: text };
}

function addProblems(response: Response, codes: readonly ErrorCode[], components: SchemaComponents): void {
  for (const code of codes) response.descriptions.push(`- \`${code}\`: ${errorCatalogue[code].title}.`);
  if (codes.some((code) => errorCatalogue[code].retry === 'later')) {
    response.headers['Retry-After'] = { description: 'Seconds.', schema: { type: 'integer' } };
  }
  const schema = {
    allOf: [jsonSchemaOf(problemSchema, components), { properties: { code: { enum: [...codes] } } }],
  };
  response.content[problemMediaType] = { schema };
}

function byStatus(codes: ReadonlySet<ErrorCode>): Map<number, ErrorCode[]> {
  const groups = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const { httpStatus } = errorCatalogue[code];
    groups.set(httpStatus, [...(groups.get(httpStatus) ?? []), code]);
  }
  return groups;
}
