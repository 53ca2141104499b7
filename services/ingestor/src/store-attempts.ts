import type { DeliveryAttempt } from '@docket/event';

export type AttemptsAnswer =
  | { readonly kind: 'stored' }
  /** A row among them cannot be stored, and never will be. */
  | { readonly kind: 'refused'; readonly detail: string }
  /** Nobody waits for it any more. */
  | { readonly kind: 'given_up' };

interface AttemptsPort {
  insert(attempts: readonly DeliveryAttempt[]): Promise<AttemptsAnswer>;
  /** This one is left out. */
  onRefused(attempt: DeliveryAttempt, detail: string): void;
}

/**
 * Stores all attempts but those that are refused by themselves: what is refused together is halved, so that one bad row costs
 * itself alone and never holds up the rest. False when it was given up. Rows may be stored more than once, and become one.
 */
export async function storeAttempts(attempts: readonly DeliveryAttempt[], port: AttemptsPort): Promise<boolean> {
  const [first] = attempts;
  if (first === undefined) return true;
  const answer = await port.insert(attempts);
  if (answer.kind === 'stored') return true;
  if (answer.kind === 'given_up') return false;
  if (attempts.length === 1) {
    port.onRefused(first, answer.detail);
    return true;
  }
  const middle = Math.ceil(attempts.length / 2);
  return (await storeAttempts(attempts.slice(0, middle), port)) && (await storeAttempts(attempts.slice(middle), port));
}
