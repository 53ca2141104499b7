import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { DocketError } from '@docket/runtime';

import { createDirectoryState } from '../src/directory-state.ts';
import type { DirectoryView } from '../src/directory-view.ts';
import { writerWith } from '../src/directory-writer.ts';
import type { DirectoryWriter } from '../src/directory-writer.ts';
import type { Writership, WritershipState } from '../src/directory-writership.ts';
import type { Tenant } from '../src/entities.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** More than the pause between two tries. */
const aWhileMs = 2_000;
const away = new DocketError('kafka_unavailable', 'Kafka is away.');

const acme: Tenant = {
  version: 1,
  kind: 'tenant',
  id: 'acme',
  name: 'Acme',
  created_at: '2026-01-01T00:00:00.000Z',
};

const view: DirectoryView = {
  ...createDirectoryState(),
  start: () => undefined,
  stop: async () => undefined,
  isCaughtUp: () => true,
  waitUntilCaughtUp: async () => undefined,
  refresh: async () => undefined,
  waitUntilReached: async () => undefined,
  onChange: () => () => undefined,
  onWriter: () => () => undefined,
  check: () => ({ ok: true }),
};

/** A writership of which every write fails, and after it as many acquisitions as are told. */
function failingWritership(afterWrite: { readonly state: WritershipState; readonly failures: number }) {
  let state: WritershipState = 'acquiring';
  let failures = 0;
  let acquisitions = 0;
  const writership: Writership = {
    state: () => state,
    acquire: async () => {
      if (state === 'active') return;
      acquisitions += 1;
      if (state !== 'acquiring' || failures > 0) {
        failures -= 1;
        throw away;
      }
      state = 'active';
    },
    write: async () => {
      ({ state, failures } = afterWrite);
      throw away;
    },
    stop: async () => void (state = 'stopped'),
  };
  return { writership, acquisitions: () => acquisitions };
}

async function failedWriter(writership: Writership): Promise<DirectoryWriter> {
  const writer = writerWith(writership, { view, logger: { warn: () => undefined } });
  writer.start();
  await jest.advanceTimersByTimeAsync(0);
  expect(writer.check()).toEqual({ ok: true });
  const change = writer.change(
    () => ({ puts: [acme], result: undefined }),
    () => [],
  );
  await expect(change).rejects.toThrow(away);
  return writer;
}

test('after a write that failed the writership is taken back though nobody makes another change', async () => {
  const { writership, acquisitions } = failingWritership({ state: 'acquiring', failures: 2 });
  const writer = await failedWriter(writership);
  expect(writer.check()).toMatchObject({ ok: false });
  await jest.advanceTimersByTimeAsync(2 * aWhileMs);
  expect(writer.check()).toEqual({ ok: true });
  expect(acquisitions()).toBe(4);
  await writer.stop();
});

test('changes that fail one after another begin no more than one taking back', async () => {
  const { writership, acquisitions } = failingWritership({ state: 'acquiring', failures: 100 });
  const writer = await failedWriter(writership);
  await jest.advanceTimersByTimeAsync(0);
  const changes = [1, 2, 3].map(() =>
    writer.change(
      () => ({ result: undefined }),
      () => [],
    ),
  );
  expect(await Promise.allSettled(changes)).toMatchObject(changes.map(() => ({ status: 'rejected' })));
  const before = acquisitions();
  await jest.advanceTimersByTimeAsync(1_000);
  expect(acquisitions() - before).toBe(1);
  await writer.stop();
});

test('a writer that is stopped takes nothing back', async () => {
  const { writership, acquisitions } = failingWritership({ state: 'acquiring', failures: 100 });
  const writer = await failedWriter(writership);
  await jest.advanceTimersByTimeAsync(0);
  await writer.stop();
  const before = acquisitions();
  await jest.advanceTimersByTimeAsync(aWhileMs);
  expect([acquisitions() - before, jest.getTimerCount()]).toEqual([0, 0]);
});

test('a writer that is fenced takes nothing back', async () => {
  const { writership, acquisitions } = failingWritership({ state: 'fenced', failures: 0 });
  await failedWriter(writership);
  await jest.advanceTimersByTimeAsync(aWhileMs);
  expect([acquisitions(), jest.getTimerCount()]).toEqual([1, 0]);
});
