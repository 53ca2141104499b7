import { tableOf } from '../repair/table-mapper.ts';
import type { AcceptLossReport, Loss } from './accept-loss.ts';

/** What `docket accept-loss` prints. */
export function acceptLossLines({ applied, losses, newGeneration }: AcceptLossReport): string[] {
  if (losses.length === 0) return ['OK nothing is lost'];
  const rows = losses.map((loss) => [String(loss.partition), String(loss.logs), ...wordsOf(loss)]);
  return [
    ...tableOf(['partition', 'logs', 'lost', 'why'], rows),
    ...(newGeneration === null
      ? []
      : [
          `The topic is another one: generation ${newGeneration} ${applied ? 'is open' : 'has to be opened'}, and seq goes on in it. ` +
            'Ingestors go on by themselves; restart delivery.',
        ]),
    applied
      ? 'Accepted: each log says so in rows of status lost. Now: docket verify'
      : 'DRY RUN: --yes writes it into the logs as rows of status lost; nothing was changed',
  ];
}

function wordsOf(loss: Loss): [string, string] {
  switch (loss.kind) {
    case 'range':
      return [`offsets ${loss.fromOffset} to ${loss.toOffset}`, 'Kafka removed them before they were stored'];
    case 'topic':
      return [
        `what was from offset ${loss.fromOffset} on`,
        loss.reason === 'beyond_end' ? 'Kafka ends before it' : 'Kafka holds other records at the same offsets',
      ];
    case 'rows':
      return [`${loss.rows} rows`, 'neither ClickHouse nor Kafka has them any more'];
  }
}
