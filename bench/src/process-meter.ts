import { readFileSync } from 'node:fs';

/** Linux counts processor time in hundredths of a second. */
const ticksPerSecond = 100;

export interface Usage {
  readonly cpuSeconds: number;
  readonly rssBytes: number;
}

/** What a process has used so far (Linux: /proc). All its threads count. */
export function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold anything; fields are counted behind it. utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const cpuSeconds = (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  const rssKiB = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { cpuSeconds, rssBytes: Number(rssKiB ?? 0) * 1024 };
}

export interface Meter {
  /** Ends the measurement: processor seconds since its begin and the highest resident memory seen, by name. */
  stop(): ReadonlyMap<string, { readonly cpuSeconds: number; readonly rssBytesPeak: number }>;
}

const sampleIntervalMs = 100;

/** Watches processes by name from now on. */
export function startMeter(pids: ReadonlyMap<string, number>): Meter {
  const before = new Map([...pids].map(([name, pid]) => [name, usageOf(pid).cpuSeconds]));
  const peaks = new Map<string, number>();
  const sample = (): void => {
    for (const [name, pid] of pids) peaks.set(name, Math.max(peaks.get(name) ?? 0, usageOf(pid).rssBytes));
  };
  sample();
  const timer = setInterval(() => {
    try {
      sample();
    } catch {
      // The process has just ended; the end of the measurement says so.
      clearInterval(timer);
    }
  }, sampleIntervalMs);
  return {
    stop() {
      clearInterval(timer);
      sample();
      return new Map(
        [...pids].map(([name, pid]) => [
          name,
          { cpuSeconds: usageOf(pid).cpuSeconds - (before.get(name) ?? 0), rssBytesPeak: peaks.get(name) ?? 0 },
        ]),
      );
    },
  };
}
