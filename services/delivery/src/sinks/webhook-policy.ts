import type { Answer } from '../machine/outcome-policy.ts';
import { generalVerdict, rejectAll } from './sink-answer.ts';
import type { Verdict } from './sink-answer.ts';

/** Bad Request and Unprocessable Content are about what is in the body (RFC 9110 §15.5.1, §15.5.21): perhaps about one event of it. */
const contentStatuses = new Set([400, 422]);

export function webhookVerdict(answer: Answer, eventCount: number): Verdict {
  if (answer.kind === 'answered' && contentStatuses.has(answer.status)) {
    return rejectAll(eventCount, `status_${answer.status}`);
  }
  return generalVerdict(answer);
}
