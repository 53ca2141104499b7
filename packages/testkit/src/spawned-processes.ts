import { createProcessGuard, noteProcess } from '@docket/local-stack';
import type { ProcessGuard } from '@docket/local-stack';

let guard: ProcessGuard | undefined;

/**
 * Registers a process that a test started (it leads its own group): it is killed should this test process die, and noted in the directory
 * DOCKET_TEST_PROCESSES, where the end of the whole run looks for what was left. Call the result when it has exited.
 */
export function noteSpawned(pid: number, name: string): () => void {
  guard ??= createProcessGuard({ envFile: null, scratchDir: null });
  const watching = guard;
  watching.watch(pid);
  const directory = process.env['DOCKET_TEST_PROCESSES'];
  const forget = directory === undefined ? undefined : noteProcess(directory, name, pid);
  return () => {
    watching.unwatch(pid);
    forget?.();
  };
}
