/** A caller is answered within 5 s, and Kafka needs some of them. */
export const waitMsMax = 1_500;
/** So much more from the request's begin: who comes late to a crowd, whoever has made him late, is told to come again. */
const arrivalMsMax = 500;
/** A shorter wait is no crowd: a body that took long to arrive is judged then. */
const crowdWaitMs = 100;

/** Whether a body has waited too long to be judged: since it was queued, or, where others wait too, since its request began. */
export function isTooLate(waitedMs: number, sinceBeginMs: number, waitMs: number = waitMsMax): boolean {
  return waitedMs > waitMs || (waitedMs > Math.min(crowdWaitMs, waitMs) && sinceBeginMs > waitMs + arrivalMsMax);
}
