import { setMaxListeners } from 'node:events';
import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { createAnswerBudget, pageBytesMax, type AnswerBytes } from '../../src/pages/answer-bytes.ts';
import { createQueryMetrics } from '../../src/metrics.ts';

const mebibyte = 1024 * 1024;

function budgetOf(limitBytes: number) {
  const metrics = createQueryMetrics(new Registry());
  const answers = createAnswerBudget(limitBytes, metrics);
  const over = new AbortController();
  setMaxListeners(0, over.signal);
  const open = (tenantId: string, bytesMax: number | null = pageBytesMax, keyId = `key of ${tenantId}`): AnswerBytes =>
    answers.open({ tenantId, keyId }, over.signal, bytesMax);
  const held = async (): Promise<number | undefined> => (await metrics.answerBytes.get()).values[0]?.value;
  return { open, over, held, metrics };
}

/** Takes a row, and rows behind it, until one is refused, and tells how many mebibytes that were. */
function fill(answer: AnswerBytes, rowBytes = mebibyte / 4): number {
  while (answer.takes(rowBytes, answer.held() > 0));
  return answer.held() / mebibyte;
}

/** Takes pieces of one row. */
function fillRow(answer: AnswerBytes): number {
  while (answer.takes(mebibyte / 4, false));
  return answer.held() / mebibyte;
}

test('I8: a page ends at its bytes, and takes nothing more, however small', async () => {
  const { open, held } = budgetOf(64 * mebibyte);
  const page = open('a');
  expect([fill(page), page.isCut(), page.isFull(), page.takes(1, true)]).toEqual([8, true, true, false]);
  expect(await held()).toBe(8 * mebibyte);
  expect(() => page.requireRoom()).not.toThrow();
});

test('a single row has no limit of its own', () => {
  const row = budgetOf(64 * mebibyte).open('a', null);
  expect([row.takes(30 * mebibyte, false), row.isCut()]).toEqual([true, false]);
  expect([row.takes(3 * mebibyte, false), row.isFull()]).toEqual([false, false]);
  expect(() => row.requireRoom()).toThrow(expect.objectContaining({ code: 'rate_limited' }));
});

test('I7: sixteen pages of a tenant have a large row each: some have all that a page may have, the others leave them room', () => {
  const { open } = budgetOf(64 * mebibyte);
  const pages = Array.from({ length: 16 }, () => open('a'));
  const sizes = pages.map((page) => fill(page, mebibyte));
  expect(sizes).toEqual([8, 8, ...Array.from({ length: 14 }, () => 1)]);
  expect(fill(open('b'))).toBe(8);
});

test('I7: tenants that take all they get leave room: half of what was left, and a large row while there is any', () => {
  const { open } = budgetOf(32 * mebibyte);
  const sizes = ['a', 'b', 'c', 'd', 'e'].map((tenantId) => fillRow(open(tenantId, null)));
  expect(sizes).toEqual([16, 8, 4, 2, 2]);
});

test('what has no room for a row is told why, and counted', async () => {
  const { open, metrics } = budgetOf(16 * mebibyte);
  const mustRefuse = (tenantId: string, code: string): void => {
    const refused = open(tenantId);
    expect(refused.takes(1, false)).toBe(false);
    expect(() => refused.requireRoom()).toThrow(expect.objectContaining({ code }));
  };
  expect(fillRow(open('a', null))).toBe(8);
  mustRefuse('a', 'rate_limited');
  for (const tenantId of ['b', 'c', 'd']) fillRow(open(tenantId, null));
  mustRefuse('e', 'overloaded');
  const { values } = await metrics.readsRefused.get();
  expect(values.filter(({ value }) => value > 0)).toEqual([{ labels: { limit: 'bytes' }, value: 2 }]);
});

test('I7: a key for all tenants has half of all bytes at most', () => {
  const { open } = budgetOf(16 * mebibyte);
  expect(open('a', null, 'operator').takes(5 * mebibyte, false)).toBe(true);
  expect(open('b', null, 'operator').takes(4 * mebibyte, false)).toBe(false);
  expect(open('b', null, 'another').takes(4 * mebibyte, false)).toBe(true);
});

test('gives its bytes back once, when it is released or the answer is over, and takes none afterwards', async () => {
  const { open, over, held } = budgetOf(64 * mebibyte);
  const [first, second] = [open('a'), open('b')];
  for (const page of [first, second]) expect(page.takes(1_000, false)).toBe(true);
  first.release();
  first.release();
  expect(await held()).toBe(1_000);
  over.abort();
  expect(await held()).toBe(0);
  expect(second.takes(1, false)).toBe(false);
  expect(() => open('a')).toThrow();
});
