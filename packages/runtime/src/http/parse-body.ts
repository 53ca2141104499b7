import { nearestName } from '@docket/event';
import type { Static, TSchema } from '@sinclair/typebox';
import { Value, ValueErrorType } from '@sinclair/typebox/value';
import type { ValueError } from '@sinclair/typebox/value';

import { DocketError } from '../errors/docket-error.ts';

const errorsMax = 20;

interface FieldError {
  readonly pointer: string;
  readonly detail: string;
}

/** Gives the body as its schema's type, or throws invalid_body with one item per wrong field. */
export function parseBody<Schema extends TSchema>(schema: Schema, body: unknown): Static<Schema> {
  if (Value.Check(schema, body)) return body;
  const errors = errorsIn(schema, body).slice(0, errorsMax);
  throw new DocketError(
    'invalid_body',
    `The body has ${errors.length} invalid ${errors.length === 1 ? 'field' : 'fields'}.`,
    { errors },
  );
}

/** One item per wrong field, its pointer from `value`. */
function errorsIn(schema: TSchema, value: unknown): FieldError[] {
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  for (const error of Value.Errors(schema, value)) {
    // A missing field is reported a second time as one of the wrong type.
    if (seen.has(error.path)) continue;
    seen.add(error.path);
    errors.push(...(variantErrors(error) ?? [{ pointer: error.path, detail: detailOf(error, schema) }]));
    if (errors.length >= errorsMax) break;
  }
  return errors;
}

/** Of objects that differ by their `type`, the errors of the one that is meant. */
function variantErrors({ type, schema, path, value }: ValueError): FieldError[] | undefined {
  const variants: unknown = schema['anyOf'];
  if (type !== ValueErrorType.Union || !Array.isArray(variants)) return undefined;
  const byType = new Map<unknown, TSchema>(
    variants.map((variant: TSchema) => [memberOf(memberOf(memberOf(variant, 'properties'), 'type'), 'const'), variant]),
  );
  if (byType.has(undefined) || typeof value !== 'object' || value === null) return undefined;
  const named = memberOf(value, 'type');
  const meant = byType.get(named);
  if (meant === undefined) {
    const detail =
      named === undefined
        ? 'is required'
        : `is none of ${[...byType.keys()].map((one) => JSON.stringify(one)).join(', ')}`;
    return [{ pointer: `${path}/type`, detail }];
  }
  return errorsIn(meant, value).map(({ pointer, detail }) => ({ pointer: `${path}${pointer}`, detail }));
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
