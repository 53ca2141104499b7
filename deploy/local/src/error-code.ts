/** Whether an error of the operating system has this code. No `instanceof`: in a test's sandbox such errors come from another realm. */
export function hasErrorCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
