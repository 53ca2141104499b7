/** What became of a request, as the sender saw it. */
export type Answer =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly retryAfterMs: number | null;
      /** As much of the body as was read. */
      readonly text: string;
    }
  | { readonly kind: 'failed'; readonly error: SendError };

/**
 * The closed list of ways to get no answer. Names only: what is shown to customers never tells which addresses a name resolved to.
 * secret_unavailable: the subscription's secret cannot be opened with this master key.
 */
export type SendError =
  'dns' | 'refused' | 'connection' | 'tls' | 'timeout' | 'address_not_allowed' | 'invalid_url' | 'secret_unavailable';

/**
 * delivered: the receiver has it · retry: the receiver or the way to it is in trouble · split: it takes no body of this size; smaller ones follow ·
 * misconfigured: it refuses, and somebody has to mend something; tried again rarely, dropped never · gone: it wants no more; suspended with the cursor
 * kept · reject_event: it refuses these events of the batch, by their place in it from 0: all of them when it does not say which. `hasTaken`: the answer
 * proves that it has taken others of the batch. `isInOrder`: it goes through a batch and ends at the event that it names, so that those in front of it were perhaps
 * taken, and none behind it was.
 */
export type Outcome =
  | { readonly kind: 'delivered' | 'retry' | 'split' | 'misconfigured' | 'gone' }
  | {
      readonly kind: 'reject_event';
      readonly indices: readonly number[];
      readonly hasTaken: boolean;
      readonly isInOrder?: true;
    };

/** Request Timeout, Too Early, Too Many Requests: the same request may succeed later (RFC 9110, 8470, 6585). */
const retryStatuses = new Set([408, 425, 429]);

/** The one place that decides what an answer means for a webhook. Redirects are never followed, so they are a refusal. */
export function outcomeOf(answer: Answer): Outcome {
  if (answer.kind === 'failed') return outcomeOfError(answer.error);
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  if (status === 410) return { kind: 'gone' };
  if (status === 413) return { kind: 'split' };
  return { kind: status >= 500 || retryStatuses.has(status) ? 'retry' : 'misconfigured' };
}

function outcomeOfError(error: SendError): Outcome {
  switch (error) {
    case 'dns':
    case 'refused':
    case 'connection':
    case 'tls':
    case 'timeout':
      return { kind: 'retry' };
    case 'address_not_allowed':
    case 'invalid_url':
    case 'secret_unavailable':
      return { kind: 'misconfigured' };
  }
}

/** What the attempt's record and the cursor say; empty for a delivered one. */
export function errorNameOf(answer: Answer): string {
  if (answer.kind === 'failed') return answer.error;
  return outcomeOf(answer).kind === 'delivered' ? '' : `status_${answer.status}`;
}
