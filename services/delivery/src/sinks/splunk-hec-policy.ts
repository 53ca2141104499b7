import type { Answer } from '../machine/outcome-policy.ts';
import { delivered, generalVerdict, jsonObjectOf, rejectAll } from './sink-answer.ts';
import type { Verdict } from './sink-answer.ts';

/**
 * The codes of HEC that its status alone does not explain (Splunk, "Troubleshoot HTTP Event Collector"): 6 invalid data format, 12 event field is
 * required, 13 event field cannot be blank, 15 error in handling indexed fields. All other codes of a 400 are about the request or the token: 5 no data,
 * 7 incorrect index, 10 and 11 data channel, 14 acknowledgement is disabled, 16 query string authorization.
 */
const codesOfAnEvent = new Set([6, 12, 13, 15]);

/**
 * 200 with code 0 alone is delivered: a login page answers 200 too. Splunk's own HEC is seen to take the events in front of the one that it refuses, which its
 * documentation does not say, and other servers of its protocol take none of them: so they are sent once more, by themselves, and never taken for delivered
 * (I6); their ids make it harmless that they may be there twice.
 */
export function splunkHecVerdict(answer: Answer, eventCount: number): Verdict {
  if (answer.kind === 'failed') return generalVerdict(answer);
  const said = jsonObjectOf(answer.text);
  const code = said?.['code'];
  if (answer.status >= 200 && answer.status < 300) {
    return code === 0 ? delivered : { kind: 'misconfigured', error: 'not_an_event_collector' };
  }
  const general = generalVerdict(answer);
  if (typeof code !== 'number' || !Number.isSafeInteger(code)) return general;
  const error = `splunk_code_${code}`;
  if (answer.status !== 400 || !codesOfAnEvent.has(code)) return { ...general, error };
  const place = said?.['invalid-event-number'];
  const isPlace = typeof place === 'number' && Number.isInteger(place) && place >= 0 && place < eventCount;
  if (!isPlace) return rejectAll(eventCount, error);
  return { kind: 'reject_event', indices: [place], hasTaken: place > 0, isInOrder: true, error };
}
