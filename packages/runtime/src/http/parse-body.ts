import { nearestName } from '@docket/event';
import type { Static, TSchema } from '@sinclair/typebox';
import { Value, ValueErrorType } from '@sinclair/typebox/value';
import type { ValueError } from '@sinclair/typebox/value';

import { DocketError } from '../errors/docket-error.ts';
import type { ErrorItem } from '../errors/docket-error.ts';

const errorsMax = 20;

/** Gives the body as its schema's type, or throws invalid_body with one item per wrong field. */
export function parseBody<Schema extends TSchema>(schema: Schema, body: unknown): Static<Schema> {
  if (Value.Check(schema, body)) return body;
  const seen = new Set<string>();
  const errors: ErrorItem[] = [];
  for (const error of Value.Errors(schema, body)) {
    // A missing field is reported a second time as one of the wrong type.
    if (seen.has(error.path)) continue;
    seen.add(error.path);
    errors.push({ pointer: error.path, detail: detailOf(error, schema) });
    if (errors.length === errorsMax) break;
  }
  throw new DocketError(
    'invalid_body',
    `The body has ${errors.length} invalid ${errors.length === 1 ? 'field' : 'fields'}.`,
    { errors },
  );
}

/** The same error for one field that a rule beyond the schema refuses. */
export function invalidField(pointer: string, detail: string): DocketError {
  return new DocketError('invalid_body', `The body has an invalid field: ${pointer}.`, {
    errors: [{ pointer, detail }],
  });
}

function detailOf(error: ValueError, schema: TSchema): string {
  if (error.type === ValueErrorType.ObjectRequiredProperty) return 'is required';
  if (error.type === ValueErrorType.ObjectAdditionalProperties) return unknownField(error, schema);
  if (error.type === ValueErrorType.Union) return `is none of ${choicesOf(error.schema)}`;
  if (error.type === ValueErrorType.StringPattern) return `must match ${String(error.schema['pattern'])}`;
  return error.message.charAt(0).toLowerCase() + error.message.slice(1);
}

function unknownField(error: ValueError, root: TSchema): string {
  const names = error.path.split('/').slice(1);
  const last = names.pop() ?? '';
  let schema: unknown = root;
  for (const member of names) schema = memberOf(memberOf(schema, 'properties'), member);
  const near = nearestName(last, Object.keys(Object(memberOf(schema, 'properties'))));
  return `is not a known field${near === null ? '' : `; did you mean ${near}?`}`;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function choicesOf(schema: TSchema): string {
  const choices: unknown = schema['anyOf'];
  if (!Array.isArray(choices)) return 'what is allowed';
  return choices.map((choice: unknown) => describeChoice(choice)).join(', ');
}

function describeChoice(choice: unknown): string {
  const literal = memberOf(choice, 'const');
  return literal === undefined ? String(memberOf(choice, 'type')) : JSON.stringify(literal);
}
