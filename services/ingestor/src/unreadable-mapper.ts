import type { UnreadableBatch } from '@docket/kafka';

const remedies: Readonly<Record<UnreadableBatch['reason'], string>> = {
  damaged: 'let a replica with a whole copy lead the partition; if there is none,',
  too_large: 'find its producer, and',
  undecodable: 'find its producer, and',
};

/** What an operator reads about a partition that waits at a batch: nothing is lost yet, and only Kafka's tools can mend it. */
export function unreadableDetail({ offset, lastOffset, reason, detail }: UnreadableBatch): string {
  const found = `the record batch at offset ${offset} cannot be read (${reason}: ${detail}); it and everything behind it wait in Kafka, and it is fetched again every 30 s`;
  const end = lastOffset === null ? 'the end of the batch (kafka-dump-log shows it)' : `offset ${lastOffset}`;
  return `${found}. Remedy: ${remedies[reason]} remove the records up to ${end} with kafka-delete-records (its "offset" is the first one that stays), accept the loss with \`docket accept-loss\`, and restart delivery`;
}
