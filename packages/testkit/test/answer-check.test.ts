import { describe, expect, test } from '@jest/globals';
import { createAnswerCheck } from '../src/index.ts';

const check = createAnswerCheck();
const rights = { credential: 'key', view: 'operator', key_id: 'k', scopes: ['events:read'], tenants: '*' };
const json = 'application/json; charset=utf-8';
const problem = {
  type: 'urn:docket:error:unauthenticated',
  title: 'Authentication is required',
  status: 401,
  code: 'unauthenticated',
  detail: 'No key.',
  request_id: 'r',
};
const whoami = { method: 'GET', path: '/v1/whoami', status: 200, contentType: json, text: JSON.stringify(rights) };

describe('an answer', () => {
  test.each([
    ['as declared', {}],
    ['to HEAD', { method: 'HEAD', text: undefined }],
    ['that failed', { status: 401, contentType: 'application/problem+json', text: JSON.stringify(problem) }],
    [
      'of an unknown path',
      {
        path: '/v1/nothing',
        status: 404,
        contentType: 'application/problem+json',
        text: JSON.stringify({ ...problem, status: 404, code: 'not_found' }),
      },
    ],
    ['without a body', { method: 'DELETE', path: '/v1/keys/k', status: 204, contentType: null, text: undefined }],
  ])('%s passes', (_, changes) => {
    expect(check({ ...whoami, ...changes })).toBeUndefined();
  });

  test.each([
    ['with another status', { status: 201 }, /does not declare the status 201/],
    ['with another content type', { contentType: 'text/html' }, /content type text\/html/],
    ['with a member too many', { text: JSON.stringify({ ...rights, secret: 's' }) }, /additional properties/],
    ['with a member too few', { text: '{}' }, /required property/],
    ['with a member of another type', { text: JSON.stringify({ ...rights, key_id: 1 }) }, /string/],
    [
      'with a code that the endpoint does not declare',
      {
        status: 401,
        contentType: 'application/problem+json',
        text: JSON.stringify({ ...problem, code: 'cursor_expired' }),
      },
      /allowed values/,
    ],
    ['of an endpoint that is not declared', { path: '/v1/secret' }, /is not declared/],
    ['of a method that is not declared', { method: 'PUT' }, /is not declared/],
    [
      'with a body where none is declared',
      { method: 'DELETE', path: '/v1/keys/k', status: 204, text: '{}' },
      /declares no body/,
    ],
  ])('%s is found', (_, changes, finding) => {
    expect(check({ ...whoami, ...changes })).toMatch(finding);
  });
});
