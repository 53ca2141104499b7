import type { Answer } from '../machine/outcome-policy.ts';
import { generalVerdict, rejectAll } from './sink-answer.ts';
import type { Verdict } from './sink-answer.ts';

/**
 * Datadog, "Send logs": 202 accepted; 400 an issue in the payload, without saying in which log; 401 and 403 the API key; 408 and 429 later; 413 more than
 * 5 MB; 500 and 503 later. There is no partial failure.
 */
export function datadogVerdict(answer: Answer, eventCount: number): Verdict {
  if (answer.kind === 'answered' && answer.status === 400) return rejectAll(eventCount, 'status_400');
  return generalVerdict(answer);
}
