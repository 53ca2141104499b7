import { expect, test } from '@jest/globals';
import { requestParameters } from '../../src/parameters/request-parameters-mapper.ts';

const read = (query: string) => requestParameters(new URLSearchParams(query), ['action', 'actor_id']);
const wrong = (count: number): string => Array.from({ length: count }, (_, index) => `wrong_${index}=1`).join('&');

test.each([
  [19, 19],
  [20, 20],
  [21, 20],
  [2_000, 20],
])('I7: of %i wrong names %i are told', (given, told) => {
  expect(read(wrong(given)).errors).toHaveLength(told);
});

test('a parameter has its values in order, without the empty ones, and is named once', () => {
  const parameters = read('action=a&actor_id=&action=&action=b');
  expect([parameters.names(), parameters.all('action'), parameters.all('actor_id'), parameters.errors]).toEqual([
    ['action', 'actor_id'],
    ['a', 'b'],
    [],
    [],
  ]);
});
