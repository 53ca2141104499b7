import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { Subscription } from '@docket/directory';
import { webhookSecretBytes } from '@docket/directory';
import type { Logger } from '@docket/runtime';

import type { DeliveryMetrics } from '../metrics.ts';
import { eventOfNotice } from './notice-event-mapper.ts';
import type { Notice } from './notice-mapper.ts';
import type { OwnEvents } from '../own-events.ts';
import { webhookHeaders } from '../receivers/webhook-signature-mapper.ts';
import type { WebhookSender } from '../receivers/webhook-sender.ts';

/** Tells the owner, in the tenant's log, and the operator, by webhook, how a subscription fares. Never rejects, and delivery never waits for it. */
export interface Notices {
  /** `onTold` when Kafka has the event and the operator's webhook has taken it. The same notice may be told again. */
  tell(subscription: Subscription, notice: Notice, onTold: () => void): void;
  /** Gives up what has not been told: it is told again by whoever owns the subscription next. */
  stop(): Promise<void>;
}

/** Of the operator; undefined: none. */
export interface NoticeWebhook {
  readonly url: string;
  /** `whsec_…`. */
  readonly secret: string;
}

/** I8: notices that are being told; beyond it they are lost, and counted. */
const pendingMax = 1_000;
const retryMs = 5_000;
/** Two hours of tries. */
const triesMax = 1_440;

export function createNotices(ports: {
  readonly ownEvents: OwnEvents;
  readonly sender: WebhookSender;
  readonly webhook: NoticeWebhook | undefined;
  readonly metrics: DeliveryMetrics;
  readonly logger: Logger;
}): Notices {
  const { ownEvents, sender, webhook, metrics, logger } = ports;
  const stopping = new AbortController();
  const { signal } = stopping;
  // Each notice that waits for its next try listens to it: as many as may be pending.
  setMaxListeners(2 * pendingMax, signal);
  const underWay = new Set<Promise<void>>();

  const post = async ({ url, secret }: NoticeWebhook, event: ReturnType<typeof eventOfNotice>): Promise<void> => {
    const key = webhookSecretBytes(secret);
    if (key === undefined) throw new Error('the secret of the notice webhook cannot sign');
    const body = Buffer.from(JSON.stringify({ type: event.action, timestamp: event.occurred_at, data: event }));
    const message = { id: `msg_${event.id}`, timestampSeconds: Math.floor(Date.now() / 1_000), body };
    const headers = { ...webhookHeaders(message, [key]), 'content-type': 'application/json' };
    const answer = await sender.send({ url, headers, body }, signal);
    if (answer.kind === 'failed') throw new Error(`the notice webhook failed: ${answer.error}`);
    if (answer.status < 200 || answer.status > 299) throw new Error(`the notice webhook answered ${answer.status}`);
  };

  /** Until it succeeds, the tries run out, or the process ends. */
  const insist = async (target: 'log' | 'webhook', run: () => Promise<void>, line: object): Promise<boolean> => {
    for (let tries = 1; tries <= triesMax && !signal.aborted; tries += 1) {
      try {
        await run();
        metrics.notices.inc({ target, outcome: 'told' });
        return true;
      } catch (error) {
        if (tries === 1) logger.warn({ err: error, target, ...line }, 'notice.not_told');
        // An event that is invalid stays so: a bug, which must not take up the room of others (I7).
        if (error instanceof TypeError) break;
        await pause(retryMs, undefined, { signal }).catch(() => undefined);
      }
    }
    if (signal.aborted) return false;
    metrics.notices.inc({ target, outcome: 'lost' });
    logger.error({ target, ...line }, 'notice.lost');
    return false;
  };

  const whenTold = async (tellings: readonly Promise<boolean>[], onTold: () => void): Promise<void> => {
    const told = await Promise.all(tellings);
    if (told.every(Boolean)) onTold();
  };

  const track = (work: Promise<void>): void => {
    const tracked = work.finally(() => underWay.delete(tracked));
    underWay.add(tracked);
  };

  return {
    tell: (subscription, notice, onTold) => {
      const line = { subscription_id: subscription.id, notice: notice.kind, error: notice.error };
      logger.warn(line, 'subscription.notice');
      if (underWay.size >= pendingMax) return metrics.notices.inc({ target: 'log', outcome: 'lost' });
      const event = eventOfNotice(subscription, notice);
      const tellings = [insist('log', () => ownEvents.publish(event), line)];
      if (webhook !== undefined) tellings.push(insist('webhook', () => post(webhook, event), line));
      track(whenTold(tellings, onTold));
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(underWay);
    },
  };
}
