import { test } from '@jest/globals';
import { createLogger } from '@docket/runtime';
import { eventually } from '@docket/testkit';
import { Registry } from 'prom-client';

import { createDeliveryMetrics } from '../../src/metrics.ts';
import type { Notice } from '../../src/notices/notice-mapper.ts';
import { createNotices } from '../../src/notices/notices.ts';
import { createWebhookSender } from '../../src/receivers/webhook-sender.ts';
import { subscriptionOf } from '../log-for-tests.ts';

const notice: Notice = { kind: 'failing', sinceMs: 1_000, error: 'status_503', atMs: 61_000 };

test('I7: what can never be told is given up at once: it takes nobody else’s place', async () => {
  const registry = new Registry();
  const sender = createWebhookSender({ allowedHosts: [] });
  const notices = createNotices({
    ownEvents: { publish: () => Promise.reject(new TypeError('an event of our own is invalid')) },
    sender,
    webhook: undefined,
    metrics: createDeliveryMetrics(registry),
    logger: createLogger({ service: 'test', level: 'silent' }),
  });
  notices.tell(subscriptionOf(1), notice, () => {
    throw new Error('it was not told');
  });
  await eventually(
    async () => (await registry.metrics()).includes('docket_delivery_notices_total{target="log",outcome="lost"} 1'),
    { what: 'the loss is counted', deadlineMs: 2_000 },
  );
  await notices.stop();
  await sender.close();
});
