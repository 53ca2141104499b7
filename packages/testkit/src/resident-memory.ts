import { readFileSync } from 'node:fs';

const fields = { now: 'VmRSS', peak: 'VmHWM' } as const;

/** Bytes that a process has resident now, or the most that it ever had (Linux: /proc). Throws when it does not run. */
export function residentBytesOf({ pid }: { readonly pid: number }, when: 'now' | 'peak'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const [, kib] = new RegExp(`^${fields[when]}:\\s+(\\d+) kB$`, 'm').exec(status) ?? [];
  if (kib === undefined) throw new Error(`process ${pid} has no memory: it has ended`);
  return Number(kib) * 1024;
}
