import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { codeBlocks, makeTargets } from './code-blocks-mapper.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const makefile = read('Makefile');

test.each(['README.md', 'CONTRIBUTING.md'])('every make target that %s names exists', (path) => {
  const targets = makeTargets(read(path));
  expect(targets.length).toBeGreaterThan(1);
  for (const target of targets) expect(makefile).toMatch(new RegExp(`^${target}:`, 'm'));
});

test('make help lists every target', () => {
  const phony = /^\.PHONY: (.*)$/m.exec(makefile)?.[1]?.split(' ') ?? [];
  expect(phony).toContain('smoke');
  for (const target of phony) expect(makefile).toMatch(new RegExp(`^${target}:.* ## \\S`, 'm'));
});

test('CI runs the test command of the README', () => {
  expect(makeTargets(read('README.md'))).toContain('test');
  expect(read('.ci/run')).toMatch(/^make test$/m);
});

test('code blocks are found by their language, without their fences', () => {
  expect(codeBlocks('```sh\na\nb\n```\ntext\n```js\nc\n```\n```sh\nd\n```\n', 'sh')).toEqual(['a\nb\n', 'd\n']);
});
