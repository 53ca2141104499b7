import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identify, isAlive, killLeftover, parseIdentity } from './process-identity.ts';

/** Notes in a directory that this process lives, under its name and id. The result removes the note. */
export function noteProcess(directory: string, name: string, pid: number): () => void {
  mkdirSync(directory, { recursive: true });
  const note = join(directory, `${name}-${pid}.json`);
  writeFileSync(note, JSON.stringify(identify(pid)));
  return () => rmSync(note, { force: true });
}

/** Kills the groups of all noted processes that still live, gives their names (`name-pid`) and removes the directory. */
export async function killNoted(directory: string): Promise<string[]> {
  const killed: string[] = [];
  for (const file of listFiles(directory)) {
    const identity = parseIdentity(readFileSync(join(directory, file), 'utf8'));
    if (identity === null || !isAlive(identity)) continue;
    killed.push(file.replace(/\.json$/, ''));
    await killLeftover(identity);
  }
  rmSync(directory, { recursive: true, force: true });
  return killed;
}

function listFiles(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
