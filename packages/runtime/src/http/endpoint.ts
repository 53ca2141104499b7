import type { TSchema } from '@sinclair/typebox';
import { Type } from '@sinclair/typebox';

import type { ErrorCode } from '../errors/error-catalogue.ts';

/** A parameter of a request. Those in the path are always required; a query parameter with an array may be repeated. */
export interface Parameter {
  readonly in: 'path' | 'query' | 'header';
  readonly name: string;
  readonly description: string;
  readonly schema: TSchema;
  readonly isRequired?: boolean;
}

/** A whole number: the parser takes its bounds from here. */
export interface IntegerParameter<Default extends number | undefined> extends Parameter {
  readonly in: 'query';
  readonly min: number;
  readonly max: number;
  readonly default: Default;
}

/** One way in which a request succeeds. */
export interface DeclaredAnswer {
  readonly description: string;
  /** By media type, without its parameters; absent: no body. Other bodies than JSON are only described by their schema. */
  readonly content?: Readonly<Record<string, TSchema>>;
  /** Header fields of this answer: what each says. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * The one declaration of an endpoint. Routers, the checks of requests, the OpenAPI documents, the documentation page and the check of all answers in
 * tests come from it.
 */
export interface Endpoint {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** As express writes it: `/v1/events/:id`. */
  readonly path: string;
  /** The operationId: a verb and a noun. */
  readonly name: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** Who may call: anybody, the holder of any credential, or of one with one of these scopes. */
  readonly access: 'public' | 'credential' | readonly string[];
  readonly parameters?: readonly Parameter[];
  /** Of a JSON body. */
  readonly body?: TSchema;
  readonly answers: Readonly<Record<number, DeclaredAnswer>>;
  /** Header fields of failures, by status, beside those of all failures. */
  readonly problemHeaders?: Readonly<Record<number, Readonly<Record<string, string>>>>;
  /** Codes of the catalogue beyond those that every endpoint of its kind can answer; see `errorsOf`. */
  readonly errors?: readonly ErrorCode[];
}

/** Keeps the exact type, so that a handler knows its body. */
export function defineEndpoint<const Declared extends Endpoint>(declared: Declared): Declared {
  return declared;
}

/** What every endpoint may answer: our bugs, and requests that are no HTTP or reach a service that starts or stops. */
const errorsOfAll: readonly ErrorCode[] = [
  'invalid_request',
  'request_timeout',
  'headers_too_large',
  'internal',
  'not_ready',
];
const errorsOfCredentials: readonly ErrorCode[] = ['unauthenticated', 'not_caught_up'];
const errorsOfBodies: readonly ErrorCode[] = ['invalid_json', 'unsupported_media_type', 'body_too_large'];

/** Every code that an endpoint can answer. */
export function errorsOf({ access, body, errors = [] }: Endpoint): ReadonlySet<ErrorCode> {
  return new Set([
    ...errorsOfAll,
    ...(access === 'public' ? [] : errorsOfCredentials),
    ...(Array.isArray(access) ? (['insufficient_scope'] as const) : []),
    ...(body === undefined ? [] : errorsOfBodies),
    ...errors,
  ]);
}

/** A query parameter that may stand once. */
export function queryParameter(name: string, description: string, schema: TSchema = Type.String()): Parameter {
  return { in: 'query', name, description, schema };
}

export function integerParameter<const Default extends number | undefined>(
  name: string,
  description: string,
  range: { readonly min: number; readonly max: number; readonly default: Default },
): IntegerParameter<Default> {
  const { min: minimum, max: maximum, default: absent } = range;
  const schema = Type.Integer({ minimum, maximum, ...(absent === undefined ? {} : { default: absent }) });
  return { in: 'query', name, description, schema, ...range };
}

export function headerParameter(name: string, description: string, schema: TSchema = Type.String()): Parameter {
  return { in: 'header', name, description, schema };
}

export function pathParameter(name: string, description: string, schema: TSchema = Type.String()): Parameter {
  return { in: 'path', name, description, schema, isRequired: true };
}

/** An object that has these members and no other. */
export const closedObject: typeof Type.Object = (properties, options = {}) =>
  Type.Object(properties, { additionalProperties: false, ...options });

/** The 200 of most endpoints. */
export function jsonAnswer(description: string, schema: TSchema, headers?: Readonly<Record<string, string>>) {
  return { description, content: { 'application/json': schema }, ...(headers === undefined ? {} : { headers }) };
}
