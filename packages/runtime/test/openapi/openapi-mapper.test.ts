import { Type } from '@sinclair/typebox';
import { describe, expect, test } from '@jest/globals';
import { closedObject, defineEndpoint, jsonAnswer, openApiDocument, pathParameter } from '../../src/index.ts';

const api = { title: 'T', description: 'D', tags: [{ name: 'things', description: '' }] };
const thing = closedObject({ id: Type.String(), at: Type.String({ 'x-format': 'date-time' }) }, { $id: 'Thing' });
const getThing = defineEndpoint({
  method: 'get',
  path: '/v1/things/:id',
  name: 'getThing',
  tag: 'things',
  access: ['a', 'b'],
  summary: 'Get a thing',
  parameters: [pathParameter('id', 'Its id.')],
  answers: { 200: jsonAnswer('The thing.', thing) },
  errors: ['not_found'],
});

const operationOf = (document: ReturnType<typeof openApiDocument>) => document.paths['/v1/things/{id}']?.['get'];

describe('openApiDocument', () => {
  test('describes path, parameters, alternatives of scopes and the answer', () => {
    const document = openApiDocument(api, [getThing]);
    expect(document).toMatchObject({
      openapi: '3.1.0',
      components: {
        schemas: {
          Thing: {
            additionalProperties: false,
            required: ['id', 'at'],
            properties: { at: { type: 'string', format: 'date-time' } },
          },
        },
      },
    });
    expect(operationOf(document)).toMatchObject({
      operationId: 'getThing',
      security: [{ credential: ['a'] }, { credential: ['b'] }],
      parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
      responses: { 200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } } } },
    });
  });

  test('declares for each status the codes that can come with it, also those of what stands before', () => {
    const codesOf = (status: string, before: readonly 'upstream_unavailable'[] = []): unknown => {
      const document = openApiDocument({ ...api, errorsBefore: before }, [getThing]);
      const path = ['responses', status, 'content', 'application/problem+json', 'schema', 'allOf', '1'];
      const found = [...path, 'properties', 'code', 'enum'].reduce<unknown>(
        (value, name) => Reflect.get(Object(value), name),
        operationOf(document),
      );
      return found;
    };
    expect(codesOf('404')).toEqual(['not_found']);
    expect(codesOf('401')).toEqual(['unauthenticated']);
    expect(codesOf('403')).toEqual(['insufficient_scope']);
    expect(codesOf('503')).toEqual(['not_ready', 'not_caught_up']);
    expect(codesOf('503', ['upstream_unavailable'])).toContain('upstream_unavailable');
    expect(codesOf('413')).toBeUndefined();
  });

  test.each([
    ['two endpoints of one name', [getThing, { ...getThing, method: 'delete' as const }], /Two endpoints/],
    ['a path parameter that is not declared', [{ ...getThing, parameters: [] }], /parameter id/],
    ['a tag that is not described', [{ ...getThing, tag: 'others' }], /unknown tag/],
    [
      'two schemas of one name',
      [{ ...getThing, answers: { 200: jsonAnswer('', thing), 201: jsonAnswer('', { ...thing, description: 'x' }) } }],
      /Two different schemas/,
    ],
  ])('refuses %s', (_, endpoints, message) => {
    expect(() => openApiDocument(api, endpoints)).toThrow(message);
  });
});
