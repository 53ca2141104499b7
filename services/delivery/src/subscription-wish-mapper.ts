import type { Subscription } from '@docket/directory';

import type { Resume, Wish } from './machine/delivery-state.ts';
import { tellsWithoutEvents } from './sinks/sink-rules.ts';

/** Of its receiver, with the port; empty for a URL that is none. */
export function hostOf({ sink }: Subscription): string {
  return URL.canParse(sink.url) ? new URL(sink.url).host : '';
}

/** What the machine is told of a subscription. */
export function wishOf(
  subscription: Subscription,
  {
    proofIntervalMs,
    suspendAfterMs,
    noticeAfterMs,
  }: Pick<Wish, 'proofIntervalMs' | 'suspendAfterMs' | 'noticeAfterMs'>,
): Wish {
  const { resume } = subscription;
  return {
    isPaused: subscription.state === 'paused',
    version: subscription.updated_at,
    lingerMs: subscription.batch.max_wait_ms,
    bytesMax: subscription.batch.max_bytes,
    windowMax: subscription.mode?.type === 'window' ? subscription.mode.batches : 1,
    proofIntervalMs: isProved(subscription) ? proofIntervalMs : 0,
    suspendAfterMs,
    noticeAfterMs,
    resume: resume === undefined ? null : orderOf(resume),
  };
}

/** Not a replay: it ends, and that nothing happened behind it is not its to say. */
function isProved({ replay, sink }: Subscription): boolean {
  return replay === undefined && tellsWithoutEvents(sink);
}

function orderOf({ id, received_from: from, place }: NonNullable<Subscription['resume']>): Resume {
  const at = place === undefined ? null : { generation: place.generation, offset: place.offset };
  return { id, receivedFromMs: Date.parse(from), place: at };
}
