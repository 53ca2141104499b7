import type { VerifyReport } from './verify.ts';

/** Findings beyond these are counted, not printed. */
const findingsShownMax = 50;

/** What `docket verify` prints: a line for each partition, each finding, and the verdict. */
export function reportLines(report: VerifyReport): string[] {
  const { findings } = report;
  const partitions = report.partitions.map(({ partition, rows, logs, position, recomputed, tail }) => {
    const read =
      recomputed === null
        ? 'nothing to recompute'
        : `offsets ${recomputed.from}..${recomputed.to - 1} recomputed from Kafka`;
    return `partition ${partition}: ${rows} rows in ${logs} logs, stored below offset ${position}, ${read}, tail ${tail}`;
  });
  const shown = findings
    .slice(0, findingsShownMax)
    .map(({ kind, partition, detail }) => `FINDING ${kind} partition ${partition}: ${detail}`);
  const hidden = findings.length - shown.length;
  const refused = report.refusedInTheirDay;
  const checked = `${report.partitions.length} partitions, ${report.logs} logs, ${report.rows} rows checked; ${report.recomputedRecords} records recomputed`;
  return [
    ...partitions,
    ...shown,
    ...(refused > 0
      ? [`${refused} rows were refused in their day (their bytes are kept) and would be judged otherwise now`]
      : []),
    ...(report.lost > 0 ? [`${report.lost} rows say lost: an operator has accepted that their records are gone`] : []),
    ...(hidden > 0 ? [`… and ${hidden} more findings`] : []),
    findings.length === 0 ? `OK ${checked}: I2, I3, I4 hold` : `FAILED ${checked}: ${findings.length} findings`,
  ];
}
