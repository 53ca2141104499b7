import { spawn } from 'node:child_process';

/** Ends the watched process groups when this process dies in any way, SIGKILL included. */
export interface ProcessGuard {
  watch(groupId: number): void;
  unwatch(groupId: number): void;
  /** Ends the guard itself; groups still watched are killed. */
  close(): void;
}

/**
 * A shell at the other end of a pipe (1 MB, where a Node process would take 40). Each line replaces the list of groups; the pipe's end means
 * that the supervisor is gone. SIGKILL is enough: the three servers survive a power cut too, and nobody is left to wait for a slow stop.
 */
const guardScript = `
trap '' INT TERM HUP
groups=
while read -r line; do groups=$line; done
for group in $groups; do kill -KILL -"$group" 2>/dev/null; done
[ -z "$1" ] || [ -z "$groups" ] || rm -f -- "$1"
[ -z "$2" ] || rm -rf -- "$2"
`;

/** @param options.envFile removed when groups had to be killed; @param options.scratchDir removed in any case. */
export function createProcessGuard(options: { envFile: string | null; scratchDir: string | null }): ProcessGuard {
  const shell = spawn('/bin/sh', ['-c', guardScript, 'docket-guard', options.envFile ?? '', options.scratchDir ?? ''], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // It must not keep its owner alive: when the owner ends, the pipe ends, and that is all it waits for.
  shell.unref();
  if ('unref' in shell.stdin && typeof shell.stdin.unref === 'function') shell.stdin.unref();
  // Written to after the guard was killed by someone: nothing is lost but the guarding.
  shell.stdin.on('error', () => {});
  const groups = new Set<number>();
  const tell = () => shell.stdin.write(`${[...groups].join(' ')}\n`);
  return {
    watch(groupId) {
      groups.add(groupId);
      tell();
    },
    unwatch(groupId) {
      groups.delete(groupId);
      tell();
    },
    close() {
      shell.stdin.end();
    },
  };
}
