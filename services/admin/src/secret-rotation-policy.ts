import type { Credential, Decision, DirectoryReader, SealedSecret, Subscription } from '@docket/directory';
import { DocketError, invalidField } from '@docket/runtime';

import { findSubscription } from './subscription-policy.ts';

/** I8: each signs every request, and the header that holds the signatures has to stay short. */
const secretsMax = 4;

/**
 * Decides to give a webhook a new secret. Those before it sign as well until the overlap ends, or until they would have ended anyway, so that the receiver
 * can change over at any time of it. Throws not_found, invalid_body for a sink that does not sign, limit_reached.
 */
export function decideRotation(
  directory: DirectoryReader,
  caller: Credential,
  subscriptionId: string,
  made: { readonly sealedSecret: string; readonly overlapSeconds: number; readonly now: string },
): Decision<Subscription> {
  const known = findSubscription(directory, caller, subscriptionId);
  const { sink } = known;
  if (sink.type !== 'webhook') {
    throw invalidField('', `is for a webhook, which signs; the token of a ${sink.type} is changed by PATCH`);
  }
  const kept = keptSecrets(sink.secrets, made);
  if (kept.length >= secretsMax) {
    throw new DocketError('limit_reached', `${kept.length} secrets of ${subscriptionId} are still valid.`);
  }
  const secret: SealedSecret = { sealed: made.sealedSecret, created_at: made.now };
  const rotated: Subscription = { ...known, sink: { ...sink, secrets: [secret, ...kept] }, updated_at: made.now };
  return { puts: [rotated], result: rotated };
}

/** Until when the newest of the secrets before a rotation signs as well; undefined: it signs no more. */
export function previousValidUntil({ sink }: Subscription): string | undefined {
  return sink.secrets[1]?.expires_at;
}

/** Each with an end, of which the earlier one holds; what has ended is forgotten. */
function keptSecrets(
  secrets: readonly SealedSecret[],
  { overlapSeconds, now }: { readonly overlapSeconds: number; readonly now: string },
): SealedSecret[] {
  const nowMs = Date.parse(now);
  const overlapEndsAtMs = nowMs + overlapSeconds * 1_000;
  return secrets.flatMap((secret) => {
    const ownEndMs = secret.expires_at === undefined ? Number.POSITIVE_INFINITY : Date.parse(secret.expires_at);
    const endsAtMs = Math.min(ownEndMs, overlapEndsAtMs);
    return endsAtMs > nowMs ? [{ ...secret, expires_at: new Date(endsAtMs).toISOString() }] : [];
  });
}
