import type { RepairReport } from './repair.ts';
import { rowsOf } from './repair.ts';
import { tableOf } from './table-mapper.ts';

/** What `docket repair` prints. */
export function repairLines({ applied, partitions, isWhole }: RepairReport): string[] {
  const rows = partitions.flatMap(({ partition, missing, gone, contradictions }) => [
    ...missing.map(({ log, rows: count, fromSeq, toSeq }) => [
      String(partition),
      log,
      String(count),
      `${fromSeq}..${toSeq}`,
      applied ? 'put back' : 'can be put back',
    ]),
    ...gone.map(({ log, fromSeq, toSeq }) => [
      String(partition),
      log,
      String(toSeq - fromSeq + 1),
      `${fromSeq}..${toSeq}`,
      'gone from Kafka: docket accept-loss',
    ]),
    ...contradictions.map(({ log, detail }) => [String(partition), log, '', '', `left alone: ${detail}`]),
  ]);
  const missing = partitions.reduce((sum, one) => sum + rowsOf(one.missing), 0);
  const inserted = partitions.reduce((sum, one) => sum + one.inserted, 0);
  return [
    ...(rows.length === 0 ? [] : tableOf(['partition', 'log', 'rows', 'within seq', ''], rows)),
    verdictOf({ applied, isWhole, missing, inserted }),
  ];
}

function verdictOf(sums: { applied: boolean; isWhole: boolean; missing: number; inserted: number }): string {
  const { applied, isWhole, missing, inserted } = sums;
  if (applied && inserted > 0)
    return `${inserted} rows put back${isWhole ? '' : '; the rest is left'}. Now: docket verify`;
  if (isWhole) return 'OK nothing is missing';
  return missing > 0 && !applied
    ? `DRY RUN: ${missing} rows can be put back with --yes; nothing was changed`
    : 'nothing can be put back; nothing was changed';
}
