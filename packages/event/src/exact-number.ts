/** False for what JSON.parse made of a number that it cannot hold: infinite, or an integer that may have lost digits. */
export function isExact(value: number): boolean {
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
}
