import { getEventListeners } from 'node:events';
import { get } from 'node:http';
import { eventually } from '@docket/testkit';
import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { createAnswerBudget, rowBytesMax, type AnswerBudget } from '../../src/pages/answer-bytes.ts';
import { createCredentialWatch } from '../../src/gate/credential-watch.ts';
import { createQueryMetrics } from '../../src/metrics.ts';
import { createPlaces } from '../../src/gate/places.ts';
import type { LogPage } from '../../src/tail/log-pages.ts';
import { createTailSender } from '../../src/tail/tail-sender.ts';
import { reading, serveReading } from '../http/reading-server.ts';
import { parseFilter } from '../parameters.ts';
import { storedRow } from '../stored-row.ts';

/** Of each kind of look: enough to tell what grows from what does not. */
const looks = 50;
const empty: LogPage = { rows: [], hasMore: false, bytes: 0, askedAtMs: 0 };
const row: LogPage = { rows: [storedRow()], hasMore: false, bytes: 1_000, askedAtMs: 0 };
const tooLarge: LogPage = { ...row, bytes: 3 * rowBytesMax };

test('I8: a tail keeps nothing of its looks, whether they find nothing, or what there is no room for', async () => {
  const metrics = createQueryMetrics(new Registry());
  const answers = createAnswerBudget(4 * rowBytesMax, metrics);
  let signal: AbortSignal | undefined;
  const watched: AnswerBudget = {
    open(holder, given, bytesMax) {
      signal = given;
      return answers.open(holder, given, bytesMax);
    },
  };
  /** At the begin of each look but the first. */
  const listeners: number[] = [];
  const sender = createTailSender({
    pages: {
      after: async () => {
        if (signal === undefined) return row;
        listeners.push(getEventListeners(signal, 'abort').length);
        return listeners.length < looks ? empty : tooLarge;
      },
    },
    places: createPlaces({ processMax: 1, tenantMax: 1, keyMax: 1 }, metrics.tails),
    answers: watched,
    watch: createCredentialWatch(() => true),
    metrics,
    pollMs: 1,
  });
  const plan = { caller: reading.credential, search: parseFilter('').scoped, afterSeq: 0 };
  const { url, server } = await serveReading(
    async () => ({ reading, stream: (res) => sender.send(plan, res) }),
    async () => undefined,
  );
  const request = get(url, (response) => response.resume()).on('error', () => undefined);
  try {
    await eventually(() => listeners.length >= 2 * looks, { what: 'all looks' });
    expect(new Set(listeners)).toEqual(new Set([listeners[0]]));
    const refused = (await metrics.readsRefused.get()).values.filter(({ value }) => value > 0);
    expect(refused.map(({ labels }) => labels)).toEqual([{ limit: 'bytes' }]);
  } finally {
    request.destroy();
    await server.close(1_000);
  }
});
