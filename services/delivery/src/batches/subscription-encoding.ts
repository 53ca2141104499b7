import { openSecret } from '@docket/directory';
import type { MasterKey, Subscription } from '@docket/directory';

import type { BatchEncoding } from './batch-encoding.ts';
import { compileMask } from './mask-policy.ts';
import { encodingOf } from '../sinks/sink-rules.ts';

/** How a subscription's batches are written: by its sink and format, of events as its mask leaves them. Throws when the mask cannot be applied. */
export type SubscriptionEncoding = (subscription: Subscription) => BatchEncoding;

/** Each mask is compiled, and its key opened, once for a version of its subscription. */
export function createSubscriptionEncoding(masterKey: MasterKey): SubscriptionEncoding {
  const known = new WeakMap<Subscription, BatchEncoding>();
  return (subscription) => {
    const encoding = known.get(subscription) ?? encodingOf(subscription, maskOf(masterKey, subscription));
    known.set(subscription, encoding);
    return encoding;
  };
}

function maskOf(masterKey: MasterKey, { id, mask = [], mask_key: sealed }: Subscription) {
  if (mask.length === 0) return undefined;
  const opened = sealed === undefined ? undefined : openSecret(masterKey, id, sealed);
  if (opened?.ok === false) throw new Error(`the key of the mask of ${id} cannot be opened: ${opened.reason}`);
  return compileMask(mask, opened === undefined ? undefined : Buffer.from(opened.secret, 'base64'));
}
