import { describe, expect, test } from '@jest/globals';
import { openApiDocuments } from '@docket/schemas';
import { Validator } from '@seriousme/openapi-schema-validator';

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Every object schema below a value, with where it stands. */
function* objectSchemas(value: unknown, path = ''): Generator<readonly [string, Json]> {
  if (Array.isArray(value)) {
    for (const [index, each] of value.entries()) yield* objectSchemas(each, `${path}/${index}`);
  } else if (isObject(value)) {
    if (value['type'] === 'object') yield [path, value];
    for (const [name, each] of Object.entries(value)) yield* objectSchemas(each, `${path}/${name}`);
  }
}

describe.each(['gateway', 'query', 'admin', 'delivery'] as const)('schemas/openapi/%s.json', (name) => {
  const document = openApiDocuments[name]();
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path).filter(isObject));

  test('is an OpenAPI 3.1 document to a validator that knows nothing of ours', async () => {
    const validator = new Validator();
    const verdict = await validator.validate({ ...document });
    expect(verdict).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
    expect(validator.resolveRefs({ specification: { ...document } })).toBeDefined();
  });

  test('that validator refuses what is no such document', async () => {
    expect((await new Validator().validate({ ...document, paths: { 'no-slash': {} } })).valid).toBe(false);
  });

  test('answers have no member that is not declared', () => {
    const isShown = ([path, schema]: readonly [string, Json]): boolean =>
      /\/responses\/|^\/components/.test(path) && 'properties' in schema;
    const open = [...objectSchemas(document)]
      .filter(isShown)
      .filter(([path]) => !path.startsWith('/paths/~1openapi.json'))
      .filter(
        ([, schema]) =>
          schema['additionalProperties'] !== false && Object.keys(Object(schema['properties'])).length > 0,
      );
    expect(open.map(([path]) => path)).toEqual([]);
  });

  test('every operation has a name of its own, a summary, a success and its failures', () => {
    expect(operations.length).toBeGreaterThan(4);
    expect(new Set(operations.map((operation) => operation['operationId'])).size).toBe(operations.length);
    for (const operation of operations) {
      expect(operation['summary']).toMatch(/^\S.*[^.]$/);
      const statuses = Object.keys(Object(operation['responses']));
      expect(statuses).toEqual(expect.arrayContaining(['400', '500', '503']));
      expect(statuses.some((status) => status.startsWith('2'))).toBe(true);
    }
  });
});

test('the gateway describes the whole public API', () => {
  const operationsOf = (name: 'gateway' | 'query' | 'admin' | 'delivery'): string[] =>
    Object.entries(openApiDocuments[name]().paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
  const whole = operationsOf('gateway');
  expect(whole).toContain('post /v1/events');
  for (const name of ['query', 'admin', 'delivery'] as const)
    expect(whole).toEqual(expect.arrayContaining(operationsOf(name)));
});
