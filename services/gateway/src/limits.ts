/** Bytes of a request body, as sent and after decompression. */
export const bodyBytesMax = 5 * 1024 * 1024;
/** What a request may hold before its body is read: that, and as much again for one that is unpacked. */
export const requestBytesMax = 2 * bodyBytesMax;
export const batchEventsMax = 1000;
export const idempotencyKeyCharsMax = 255;
/** From the request's begin to Kafka's answer: so that 503 comes within 5 s, also where bodies wait 1.5 of them to be judged. */
export const publishDeadlineMs = 3_000;
/** … but so long at least from when it is handed to Kafka: a body may take its time to arrive. */
export const publishMsMin = 1_000;
/** Field errors in one answer; the first ones tell what is wrong. */
export const answerErrorsMax = 100;
/** Field errors in one result of a lenient answer, so that 1,000 results stay below 1 MiB. */
export const resultErrorsMax = 5;
/** Of a refused event this much is kept in quarantine: with its reason it must fit a Kafka record of 1 MiB. */
export const rejectBytesMax = 512 * 1024;
/** Bytes of large bodies that may be left in memory once they are not used any more, in each thread: more, and they are most of it; less, and it collects often. */
export const leftBytesMax = 8 * 1024 * 1024;
