import type { FaultRow } from './fault-case.ts';

const headings: FaultRow = { fault: 'fault', target: 'done to', times: 0, figures: 'what came of it' };

/** The rows as lines of a Markdown table, columns aligned but for the last. */
export function tableOf(rows: readonly FaultRow[]): string[] {
  const cells = [headings, ...rows].map((row, index) => [
    row.fault,
    row.target,
    index === 0 ? 'times' : String(row.times),
    row.figures,
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  const lineOf = (line: readonly string[]): string =>
    `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [first = [], ...rest] = cells;
  return [lineOf(first), `|${[...widths, 1].map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rest.map(lineOf)];
}
