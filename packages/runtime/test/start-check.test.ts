import { expect, test } from '@jest/globals';

import { createLogger, createStartCheck, DocketError } from '../src/index.ts';

const logger = createLogger({ service: 'test', level: 'silent' });

test('a start check asks until it succeeds, says what is wrong meanwhile, and stays ok', async () => {
  const answers: (() => Promise<string>)[] = [
    () => Promise.reject(new DocketError('topic_misconfigured', 'run docket migrate')),
    () => Promise.reject(new Error('password is hunter2')),
    () => Promise.resolve('found it'),
  ];
  const details: unknown[] = [];
  const found = await new Promise<string | undefined>((resolve) => {
    const check = createStartCheck({
      name: 'topics',
      logger,
      retryMs: 1,
      probe: async () => {
        details.push(check.check());
        const answer = answers.shift();
        if (answers.length === 0) setTimeout(() => resolve(check.found()), 0);
        return (await answer?.()) ?? '';
      },
    });
    check.start();
  });
  expect(found).toBe('found it');
  expect(details).toEqual([
    { ok: false, detail: 'has not been checked yet' },
    { ok: false, detail: 'run docket migrate' },
    { ok: false, detail: 'failed; the log says why' },
  ]);
});

test('a stopped start check asks no more', async () => {
  let asked = 0;
  const failed = new Promise<void>((resolve) => {
    const check = createStartCheck({
      name: 'topics',
      logger,
      retryMs: 0,
      probe: () => {
        asked += 1;
        check.stop();
        setTimeout(resolve, 20);
        return Promise.reject(new Error('never'));
      },
    });
    check.start();
  });
  await failed;
  expect(asked).toBe(1);
});
