import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * Names a process so that it can be recognised later although process ids are used again: host, process id, and when it
 * was born. Fit for the name of a folder.
 */
export function ownName(): string {
  return nameOf(process.pid, bornOf(process.pid) ?? 'unknown');
}

export type OwnerState = 'alive' | 'dead' | 'elsewhere' | 'none';

/** Whether the process of this name still lives; `elsewhere`: only its own host can say. */
export function stateOfOwner(name: string): OwnerState {
  const [host, pidText = '', born] = name.split('_');
  const pid = Number(pidText);
  if (host === undefined || born === undefined || !/^\d{1,10}$/.test(pidText)) return 'none';
  if (host !== hostName()) return 'elsewhere';
  const now = bornOf(pid);
  return now !== undefined && nameOf(pid, now) === `${host}_${pidText}_${born}` ? 'alive' : 'dead';
}

function nameOf(pid: number, born: string): string {
  return `${hostName()}_${pid}_${createHash('sha256').update(born).digest('hex').slice(0, 12)}`;
}

function hostName(): string {
  return hostname().replaceAll(/[^A-Za-z0-9.-]/g, '-');
}

function bornOf(pid: number): string | undefined {
  return process.platform === 'linux' ? bornOnLinux(pid) : bornByPs(pid);
}

function bornOnLinux(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may hold blanks; after it come state (field 3) … start time (field 22).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[19]}`;
  } catch {
    return undefined;
  }
}

function bornByPs(pid: number): string | undefined {
  try {
    const [state, ...started] = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], { encoding: 'utf8' })
      .trim()
      .split(/\s+/);
    return state === undefined || state === '' || state.startsWith('Z') ? undefined : started.join(' ');
  } catch {
    return undefined;
  }
}
