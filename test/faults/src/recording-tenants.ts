/** Whose events recording-app.ts records, in turn. */
export const recordingTenants: readonly string[] = Array.from({ length: 10 }, (_, n) => `t${n}`);
