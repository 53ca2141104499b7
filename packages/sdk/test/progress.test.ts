import { expect, test } from '@jest/globals';
import { createProgress } from '../src/progress.ts';

test('is reached when all that was queued before is settled, in whatever order of tenants', async () => {
  const progress = createProgress();
  for (const tenantId of ['a', 'b', 'a']) progress.queued(tenantId);
  const reached = progress.reached(10_000);
  for (const tenantId of ['b', 'a', 'a']) progress.settled(tenantId);
  expect(await reached).toEqual({ ok: true });
  expect(await progress.reached(10_000)).toEqual({ ok: true });
});

test('what was queued later does not count, whoever settles it', async () => {
  const progress = createProgress();
  for (const tenantId of ['held', 'a']) progress.queued(tenantId);
  const reached = progress.reached(10);
  for (const tenantId of ['a', 'a']) progress.queued(tenantId);
  for (const tenantId of ['a', 'a', 'a']) progress.settled(tenantId);
  expect(await reached).toEqual({ ok: false, reason: 'deadline', pending: 1 });
});

test('is not reached once something is lost, for it may be among what was queued before', async () => {
  const progress = createProgress();
  for (const tenantId of ['a', 'a']) progress.queued(tenantId);
  const reached = progress.reached(10);
  progress.lost();
  for (const tenantId of ['a', 'a']) progress.queued(tenantId);
  for (const tenantId of ['a', 'a']) progress.settled(tenantId);
  expect(await reached).toEqual({ ok: false, reason: 'deadline', pending: 2 });
});
