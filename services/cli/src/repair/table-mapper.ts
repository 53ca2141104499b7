/** Beyond these, rows of a report are counted and not printed. */
const rowsShownMax = 100;

/** Columns for people, each as wide as its widest cell. */
export function tableOf(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  rowsMax: number = rowsShownMax,
): string[] {
  const shown = [heading, ...rows.slice(0, rowsMax)];
  const widths = heading.map((_, column) => Math.max(...shown.map((row) => (row[column] ?? '').length)));
  const lines = shown.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return rows.length > rowsMax ? [...lines, `… and ${rows.length - rowsMax} more`] : lines;
}
