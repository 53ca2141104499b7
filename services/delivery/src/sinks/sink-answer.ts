import { errorNameOf, outcomeOf } from '../machine/outcome-policy.ts';
import type { Answer, Outcome } from '../machine/outcome-policy.ts';

/** What an answer of a sink means, in its own words. `error` is what the attempt's record and the cursor say; empty for delivered. */
export type Verdict = Outcome & { readonly error: string };

export const delivered: Verdict = { kind: 'delivered', error: '' };

/** What no answer, and any that the sink does not explain further, means: as for a webhook. */
export function generalVerdict(answer: Answer): Verdict {
  const outcome = outcomeOf(answer);
  return outcome.kind === 'delivered' ? delivered : { ...outcome, error: errorNameOf(answer) };
}

/** The sink refused something in the batch without saying what. Without events it was not one of them. */
export function rejectAll(eventCount: number, error: string): Verdict {
  if (eventCount === 0) return { kind: 'misconfigured', error };
  const indices = Array.from({ length: eventCount }, (_, index) => index);
  return { kind: 'reject_event', indices, hasTaken: false, error };
}

/** The JSON object of an answer's body, or undefined: servers in between answer what they like. */
export function jsonObjectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
